"""Free text, apart from every coded field, so that a name typed by mistake can be taken back."""

from __future__ import annotations

from typing import Annotated

from shared.case.base import Published


class FreeText(Published):
    """Words as somebody typed them; `language` is BCP 47. A redacted text keeps only the hash of what stood there."""

    text: str
    language: str | None = None
    redacted: bool = False
    sha256: str | None = None


class _ByHand:
    """The mark of `Typed`."""


BY_HAND = _ByHand()
Typed = Annotated[str, BY_HAND]
"""A short text that a person types beside coded fields (a reason, a name as written, a reference): taken back as
`withheld` says, since there is no place beside it for a mark."""


class _Judged:
    """The mark of `Judged`."""


JUDGED = _Judged()
Judged = Annotated[str, BY_HAND, JUDGED]
"""A `Typed` text that the machine computes from: which agent, by which route, measured where and with what. Blanked, a proposed
verdict or a coded report would move, so the newest version of a record keeps it: the record is corrected first."""


class _Contents:
    """The mark of `FileText`."""


CONTENTS = _Contents()
FileText = Annotated[str, CONTENTS]
"""A whole file as text, or what was found in one; the document says the file's SHA-256, so it may be left out."""


def withheld(sha256: str) -> str:
    """What stands where such a text stood."""
    return f"[redacted sha256:{sha256}]"
