"""Bodies and parameters of the JSON routes."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.sae_notifier.handlers.receipts import Proof
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.case import Says
from shared.errors import FieldProblem, Refused
from shared.web.parameters import iso_only

Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9-]+$")]
Text = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[^\x00]*$")]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000, pattern=r"^[^\x00]*$")]


def _of_our_time(at: datetime) -> datetime:
    """What no calendar of ours reaches cannot be stored either."""
    if not 1900 <= at.year <= 2200:
        raise ValueError("the year must lie between 1900 and 2200")
    return at


Instant = Annotated[AwareDatetime, BeforeValidator(iso_only), AfterValidator(_of_our_time)]
Viewer = Annotated[Identity, Depends(require("see_desk", "see_cases"))]
Filer = Annotated[Identity, Depends(require("file_report"))]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConfirmAlert(Body):
    """Confirming says: I have seen it and I take it on."""

    note: Text | None = None


_BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


class ProofBody(Body):
    """A file as base64."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00/\\]+$")]
    type: Annotated[str, StringConstraints(max_length=100, pattern=r"^[a-z]+/[A-Za-z0-9.+-]+$")] = (
        "application/octet-stream"
    )
    base64: str = Field(max_length=11_000_000, json_schema_extra={"contentEncoding": "base64", "pattern": _BASE64})

    def proof(self) -> Proof:
        try:
            content = base64.b64decode(self.base64, validate=True)
        except (binascii.Error, ValueError):
            raise Refused(
                "the proof is not base64", problems=[FieldProblem("/proof/base64", "not base64", "encode the file")]
            ) from None
        return Proof(self.name, self.type, content)


class FileReport(Body):
    """`gateway` (the recipient's computer) and `mail` send it; `post`, `portal` and `hand` record what a person did: when,
    and the reference number."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"method": "mail"}]})

    method: Literal["gateway", "mail", "post", "portal", "hand"]
    document_id: Annotated[str, StringConstraints(max_length=80)] | None = None
    """A document made before; without it the newest case version is made now: the electronic report, else the form."""
    sent_at: Instant | None = None
    reference: Text | None = None
    proof: ProofBody | None = None


class StateDuty(Body):
    """Signed: your password proves anew that it is you (whoever signs in at a provider signs on the page). `case_version` is the
    newest version of the case that you have read."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "says": "complete",
                    "case_version": 2,
                    "password": "…",
                    "reason": "Autopsy and cultures were in the report",
                }
            ]
        },
    )

    says: Says
    case_version: Annotated[int, Field(ge=1, le=1_000_000)]
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2_000, pattern=r"^[^\x00]*$")
    ]
    password: Annotated[str, StringConstraints(max_length=256)] = ""


class RecordReceipt(Body):
    """A delivery notice, an answer, or a proof that a named person uploads; `accepted` is what a computer answered."""

    verdict: Literal["received", "accepted", "rejected"]
    kind: Literal["delivery_notice", "answer", "proof"]
    at: Instant
    reference: Said
    reasons: Text = ""
    proof: ProofBody | None = None


class BroughtFile(Body):
    file: ProofBody


class CloseAcknowledgement(Body):
    reason: Said


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ActivateRules(Body):
    """Your password proves anew that it is you (whoever signs in at a provider signs on the page, which leads there and back).
    `preview_sha256` makes sure that what you read is what will happen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"sha256": "0" * 64, "password": "…", "reason": "Circular 55/2024 is in force from 1 January"}]
        },
    )

    sha256: Sha256
    password: Annotated[str, StringConstraints(max_length=256)] = ""
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2_000, pattern=r"^[^\x00]*$")
    ]
    preview_sha256: Sha256 | None = None
