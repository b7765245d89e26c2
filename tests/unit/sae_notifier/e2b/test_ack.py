"""Acknowledgements: the transmission code decides, AE asks the reports, whatever else arrives is no acceptance."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sae_notifier.e2b.ack import AckReport, complaints, elements_in, read_ack
from services.sae_notifier.e2b.ack_write import Answer, write_ack

AT = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
RULES = "Validated against 2.18 business rules;"


def answered(code: str, *codes: str, errors: tuple[str, ...] = ()) -> bytes:
    reports = tuple(AckReport(f"VN-X-{number}", one, errors) for number, one in enumerate(codes, start=1))
    return write_ack(
        Answer("A-1", "AUTHORITY", "TESTSENDER", AT, code, "BATCH-1", "20260312080000+0000", reports)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("code", "codes", "decision"),
    [
        ("AA", ("CA",), "accepted"),
        ("AA", ("CA", "CA"), "accepted"),
        ("AA", (), "accepted"),
        ("AR", (), "rejected"),
        ("AR", ("CR",), "rejected"),
        ("AR", ("CA",), "rejected"),
        ("AE", ("CA",), "accepted"),
        ("AE", ("CA", "CA"), "accepted"),
        ("AE", ("CR",), "rejected"),
        ("AE", ("CR", "CR"), "rejected"),
        ("AE", ("CA", "CR"), "partly"),
        ("AE", ("CE",), "partly"),
        ("AE", ("CA", "CE"), "partly"),
        ("AE", (), "partly"),
        ("XX", ("CA",), "unreadable"),
        ("", ("CA",), "unreadable"),
    ],
)
def test_the_decision(code: str, codes: tuple[str, ...], decision: str) -> None:
    ack = read_ack(answered(code, *codes))
    assert ack.decision == decision
    assert [one.code for one in ack.reports] == list(codes)
    assert ack.message_code == (code if code in ("AA", "AE", "AR") else None)


@pytest.mark.parametrize(("code", "report"), [("AA", "CR"), ("AR", "CA"), ("AA", "CE")])
def test_a_report_that_says_the_opposite_is_seen(code: str, report: str) -> None:
    assert read_ack(answered(code, report)).contradicts
    assert not read_ack(answered("AA", "CA")).contradicts
    assert not read_ack(answered("AR")).contradicts


def test_it_prints_as_the_command_promises() -> None:
    said = read_ack(answered("AE", "CR", errors=("C.5.4 must be provided", "D.9.3 must be provided"))).as_json()
    assert json.loads(json.dumps(said)) == {
        "message_code": "AE",
        "reports": [{"id": "VN-X-1", "code": "CR", "errors": ["C.5.4 must be provided", "D.9.3 must be provided"]}],
        "decision": "rejected",
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"Safety report not loaded; {RULES}\nRejections:\n1: C.5.4 is missing.\n2: D.9.3 is\n missing\n", 2),
        (f"Safety report loaded; {RULES}\nWarnings:\n1: FDA.C.5.6.r is invalid.\n", 1),
        (f"Safety report not loaded; {RULES}\nRejections:\n1: a\nWarnings:\n1: b", 2),
        ("Report Loaded Successfully", 0),
        (f"Safety report loaded; {RULES}", 0),
        ("Element value is Mandatory.;Patient Ethnicity Code (FDA.D.12) must be provided", 2),
        ("[C.1.3, 9; 8] E12; [D.1] E13", 2),
        ("cvc-complex-type.2.4.a: Invalid content (line 3, column 7)", 1),
        ("Safety report not loaded", 1),
        ("The schema refuses line 3.\nRejections:\n1: C.5.4 is missing.", 2),
        ("- C.5.4 is missing\n- D.9.3 is missing", 2),
        ("1: the code is not of version\n29.1 and not of 28.1", 1),
        ("", 0),
    ],
)
def test_complaints_come_one_by_one(text: str, found: int) -> None:
    assert len(complaints(text)) == found, complaints(text)


def test_a_complaint_over_two_lines_stays_one() -> None:
    assert complaints("1: D.9.3 is\n missing\n2: x") == ["D.9.3 is missing", "x"]


def test_the_elements_a_complaint_names() -> None:
    text = 'FDA.C.1.7.1 must be 2 when C.1.7 = false, G.k.9.i.2.r.1 and N.2.r.3 = "CDER". See 2.18.'
    assert elements_in(text) == ("FDA.C.1.7.1", "C.1.7", "G.k.9.i.2.r.1", "N.2.r.3")


def test_our_number_is_found_even_where_two_are_joined() -> None:
    joined = AckReport("21ec1492-3aea-4069-a2ab-08002b30309d US-APHARMA-8744554B", "CA")
    assert joined.is_about("US-APHARMA-8744554B")
    assert joined.is_about("none", "21ec1492-3aea-4069-a2ab-08002b30309d")
    assert not joined.is_about("US-APHARMA-8744554", "", " ")


def test_real_gateways_leave_things_out() -> None:
    """No creationTime in the message, empty ids, no targets: still a rejection."""
    bare = (
        b'<MCCI_IN200101UV01 xmlns="urn:hl7-org:v3"><id extension="" root=""/><MCCI_IN000002UV01>'
        b'<acknowledgement typeCode="CR"/></MCCI_IN000002UV01><acknowledgement typeCode="AR"/></MCCI_IN200101UV01>'
    )
    ack = read_ack(bare)
    assert (ack.decision, ack.reports) == ("rejected", (AckReport("", "CR"),))


SPOKEN = b'<MCCI_IN200101UV01 xmlns="%s">%s</MCCI_IN200101UV01>'
AA, AR = b'<acknowledgement typeCode="AA"/>', b'<acknowledgement typeCode="AR"/>'


def test_an_answer_that_says_two_things_says_nothing() -> None:
    """Whichever stands first would have decided."""
    for outer in (AA + AR, AR + AA):
        said = read_ack(SPOKEN % (b"urn:hl7-org:v3", outer))
        assert said.decision == "unreadable" and "several transmission codes" in said.why
    assert read_ack(SPOKEN % (b"urn:hl7-org:v3", AA + AA)).decision == "accepted"
    both = b'<MCCI_IN000002UV01><acknowledgement typeCode="CA"/><acknowledgement typeCode="CR"/></MCCI_IN000002UV01>'
    ack = read_ack(SPOKEN % (b"urn:hl7-org:v3", both + AA.replace(b"AA", b"AE")))
    assert (ack.decision, ack.reports[0].code) == ("partly", "CA CR")


def test_an_answer_of_another_standard_is_none() -> None:
    assert read_ack(SPOKEN % (b"urn:other", AA)).decision == "unreadable"
    assert read_ack(SPOKEN % (b"", AA)).decision == "accepted", "a gateway that leaves the name space out"


def test_the_time_is_the_one_called_so() -> None:
    """The creation time tells versions of one case apart; other lines may stand before it."""
    line = b'<attentionLine><keyWordText code="%s"/><value value="%s"/></attentionLine>'
    message = b"<MCCI_IN000002UV01>%s%s</MCCI_IN000002UV01>" % (line % (b"9", b"1999"), line % (b"1", b"2026"))
    assert read_ack(SPOKEN % (b"urn:hl7-org:v3", message + AA)).reports[0].created == "2026"


@pytest.mark.parametrize(
    "xml", [b"", b"<a/>", b"503 Service Unavailable", b'<MCCI_IN200101UV01 xmlns="urn:hl7-org:v3"/>']
)
def test_garbage_is_unreadable_and_says_why(xml: bytes) -> None:
    ack = read_ack(xml)
    assert (ack.decision, ack.message_code) == ("unreadable", None)
    assert ack.why


@given(st.binary(max_size=300))
def test_no_bytes_at_all_are_an_acceptance_or_an_error(xml: bytes) -> None:
    assert read_ack(xml).decision == "unreadable"


def test_what_was_written_is_read() -> None:
    ack = read_ack(answered("AE", "CA", "CR"))
    assert (ack.batch_number, ack.number, ack.created) == ("BATCH-1", "A-1", "20260312080000+0000")
    assert ack.reports[0].created == "20260312080000+0000"
    assert [one.id for one in ack.about("VN-X-2")] == ["VN-X-2"]
