"""Free text, apart from every coded field, so that a name typed by mistake can be taken back."""

from __future__ import annotations

from shared.case.base import Published


class FreeText(Published):
    """Words as somebody typed them; `language` is BCP 47. A redacted text keeps only the hash of what stood there."""

    text: str
    language: str | None = None
    redacted: bool = False
    sha256: str | None = None
