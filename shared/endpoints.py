"""Where the computers of recipients are: TOCSIN_ENDPOINTS, since an address can hold a secret and differs per installation.

{"fda": {"address": "https://gateway.example.org/in", "answers": "https://gateway.example.org/out", "token": "…"}}
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError


class Endpoint(BaseModel):
    """`file_drop`: two directories; `http_gateway`: two addresses and a token; `smtp`: a mailbox and a Maildir.

    `answers` may be empty: then a person brings the answers in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(min_length=1, max_length=500)
    answers: str = Field(default="", max_length=500)
    token: SecretStr = SecretStr("")

    @property
    def in_the_clear(self) -> bool:
        """Whether anything would cross a network as plain http."""
        return any(urlsplit(one).scheme == "http" for one in (self.address, self.answers))


def parse(text: str) -> dict[str, Endpoint]:
    """By name; raises ValueError whose words hold no value, only the name and the field."""
    if not text.strip():
        return {}
    try:
        given = json.loads(text)
    except ValueError:
        raise ValueError('is not JSON; write {"name": {"address": "…", "answers": "…"}}') from None
    if not isinstance(given, dict):
        raise ValueError('must be a JSON object: {"name": {"address": "…"}}')
    found: dict[str, Endpoint] = {}
    for name, one in given.items():
        try:
            found[name] = Endpoint.model_validate(one)
        except ValidationError as error:
            fields = ", ".join(".".join(str(part) for part in problem["loc"]) or "it" for problem in error.errors())
            raise ValueError(
                f"{name[:60]}: look at {fields}; each has address, and may have answers and token"
            ) from None
    return found
