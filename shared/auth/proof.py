"""Fresh proof for a signature: the password again, or the provider's word that the person proved themselves anew.

At the provider it takes a round trip: the first post is kept in a page, the proof comes back bound to the SHA-256 of what
is to be signed, and the post that is sent again finds it. Anything changed in between needs a proof of its own.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from hashlib import sha256
from typing import Any

from starlette.requests import Request

from shared.auth.guard import authenticator
from shared.auth.identity import Identity
from shared.canonical import canonical
from shared.errors import Forbidden, TocsinError

PROOF = "tocsin_proof"


class FreshProofNeeded(TocsinError):
    """`ask` is the sealed request for the provider's round trip."""

    status = 403
    code = "proof-needed"
    title = "A signature needs a fresh proof of who you are"

    def __init__(self, ask: str) -> None:
        super().__init__("sign on the page: it leads to the provider and back; nothing was signed")
        self.ask = ask


async def prove_again(request: Request, who: Identity, password: str, what: dict[str, Any]) -> datetime:
    """The time of the proof. `what` is everything that will be signed, as JSON.

    Raises Forbidden (wrong password), TooManyAttempts, or FreshProofNeeded, which a page leaves to the error handler.
    """
    auth = authenticator(request)
    if who.by == "provider":
        return await _proved_at_provider(request, who, sha256(canonical(what)).hexdigest())
    if not await asyncio.to_thread(auth.verify_password, who.user_id, password):
        raise Forbidden("the password is wrong; nothing was signed")
    return auth.clock.now()


async def _proved_at_provider(request: Request, who: Identity, digest: str) -> datetime:
    auth = authenticator(request)
    if auth.openid is None:
        raise Forbidden("no provider is set up any more; sign in again, nothing was signed")
    found = auth.openid.proof(request.cookies.get(PROOF, ""), who.user_id, digest)
    if found is not None:
        accounts = auth.openid.accounts
        if await asyncio.to_thread(accounts.use_proof, found.proof_id, who.user_id, digest, found.at, auth.clock.now()):
            return found.at
    raise FreshProofNeeded(auth.openid.ask(who.user_id, digest))
