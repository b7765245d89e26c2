"""What every form of the sign-in page shows: by password, by the provider, or both."""

from __future__ import annotations

from starlette.requests import Request

from shared.auth.demo import DEMO_USERS
from shared.auth.guard import authenticator


def sign_in_context(request: Request) -> dict[str, object]:
    auth = authenticator(request)
    return {
        "carried": "",
        "notice": "",
        "next": "",
        "username": "",
        "wait_s": 0,
        "ask": "",
        "provider": auth.openid is not None,
        "passwords": auth.passwords,
        "demo_users": DEMO_USERS if request.app.state.settings.is_demo and auth.passwords else (),
    }


def sign_in_in(tongue: str) -> str:
    """Where another language leads from an answer that cannot be asked for twice."""
    return f"/sign-in?lang={tongue}"
