"""The base of everything that is published: frozen, closed to unknown fields when produced, open when read."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

Answer = Literal["yes", "no", "unknown"]
"""Unknown is not no: every question a clinician may not be able to answer has three answers."""


class Published(BaseModel):
    """A document, or a part of one, in the published language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def read(cls, data: Any) -> Self:
        """Read what another service (perhaps a newer one) published: unknown fields are ignored."""
        return cls.model_validate(data, extra="ignore")
