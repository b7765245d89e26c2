"""What can go wrong between us and the provider; `reason` is a key of the catalogue (`oidc.refused.<reason>`).

Unavailable
└── ProviderAway        503  it cannot be reached, or answers nonsense; who is signed in goes on
Forbidden
├── SignInRefused       403  the provider's answer is not one that lets anybody in
└── NoRole              403  a known person without a role here
"""

from __future__ import annotations

from typing import Literal

from shared.errors import Forbidden, Unavailable

Reason = Literal[
    "attempt",
    "denied",
    "token",
    "expired",
    "audience",
    "nonce",
    "user",
    "taken",
    "shut_out",
    "not_fresh",
    "somebody_else",
    "algorithm",
    "key",
]


class ProviderAway(Unavailable):
    code = "provider-away"
    title = "The sign-in provider cannot be reached; whoever is signed in can go on"


class SignInRefused(Forbidden):
    code = "sign-in-refused"
    title = "The sign-in was refused"

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail)
        self.reason: Reason = reason


class NoRole(Forbidden):
    """`user_id` may be shown: it is the reader's own."""

    code = "no-role"
    title = "You have no role here"

    def __init__(self, user_id: str) -> None:
        super().__init__("the provider names no role that this installation knows")
        self.user_id = user_id
