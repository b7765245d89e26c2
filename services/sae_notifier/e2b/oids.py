"""Object identifiers: who says what a code or a number means. Short names as the tables of this package use them."""

from __future__ import annotations

NS = "urn:hl7-org:v3"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
TYPE = f"{{{XSI}}}type"
ICH = "2.16.840.1.113883.3.989.2.1"
NAMED = {
    "MedDRA": "2.16.840.1.113883.6.163",
    "ISO3166": "1.0.3166.1.2.2",
    "SEX": "1.0.5218",
    "NCIt": "2.16.840.1.113883.3.26.1.1",
    "DOSEFORM": "0.4.0.127.0.16.1.1.2.1",
    "ROUTE": "0.4.0.127.0.16.1.1.2.6",
}
"""Dose form and route are EDQM Standard Terms; the terms are licensed, only the identifiers stand here."""
BATCH_ROOT, ACK_ROOT = "MCCI_IN200100UV01", "MCCI_IN200101UV01"
MESSAGE, ACK_MESSAGE = "PORR_IN049016UV", "MCCI_IN000002UV01"
INTERACTION = "2.16.840.1.113883.1.6"


def system(name: str) -> str:
    """`2` is ICH code list 2, `MedDRA` a named system, anything with a dot is itself."""
    if name in NAMED:
        return NAMED[name]
    return name if "." in name else f"{ICH}.1.{name}"


def namespace(name: str) -> str:
    """`3.1` is ICH name space 1; a longer identifier is itself."""
    return f"{ICH}.{name}" if name.startswith("3.") else name


def tag(name: str) -> str:
    """The name in the HL7 name space."""
    return f"{{{NS}}}{name}"
