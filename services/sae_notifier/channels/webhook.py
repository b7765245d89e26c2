"""A signed webhook, with an SMS or voice gateway in mind: the receiver checks the signature and the age before it acts.

`Tocsin-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`.
"""

from __future__ import annotations

import hmac
import json
from hashlib import sha256

import httpx

from services.sae_notifier.channels.message import HandoverFailed, Message
from shared.clock import Clock

BOUND_S = 10.0


def signature(key: bytes, at: int, body: bytes) -> str:
    return f"t={at},v1={hmac.new(key, f'{at}.'.encode() + body, sha256).hexdigest()}"


class WebhookChannel:
    """Posts JSON to the message's address; any 2xx is taken, everything else is a failure. Redirects are not followed."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key, self._clock = key, clock

    async def hand_over(self, message: Message) -> str:
        body = json.dumps(
            {"message_id": message.message_id, "text": message.text, **message.data}, ensure_ascii=False, sort_keys=True
        ).encode()
        headers = {
            "content-type": "application/json",
            "tocsin-signature": signature(self._key, int(self._clock.now().timestamp()), body),
            "idempotency-key": message.message_id.strip("<>"),
        }
        try:
            async with httpx.AsyncClient(timeout=BOUND_S, follow_redirects=False) as client:
                answer = await client.post(message.to, content=body, headers=headers)
        except (httpx.HTTPError, OSError) as error:
            raise HandoverFailed(f"webhook: {type(error).__name__}") from error
        if not answer.is_success:
            raise HandoverFailed(f"webhook: answered {answer.status_code}")
        return f"answered {answer.status_code}"
