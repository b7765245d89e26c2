"""Attacks by XML: refused, at once, saying why; nothing is expanded, fetched or built."""

from __future__ import annotations

import time

import pytest

from services.sae_notifier.e2b.ack import read_ack
from services.sae_notifier.e2b.safe import Limits, XmlRefused, safe_parse

ROOT = b'<MCCI_IN200100UV01 xmlns="urn:hl7-org:v3">%s</MCCI_IN200100UV01>'
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 12))
ATTACKS: dict[str, tuple[str, bytes]] = {
    "an external entity": ("doctype", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
    "an external DTD": ("doctype", b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/evil.dtd"><a/>'),
    "a parameter entity": ("doctype", b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]><a/>'),
    "a billion laughs": ("doctype", b'<!DOCTYPE a [<!ENTITY l0 "lol">' + LAUGHS + b"]><a>&l11;</a>"),
    "laughs in an attribute": ("doctype", b'<!DOCTYPE a [<!ENTITY l0 "lol">' + LAUGHS + b']><a b="&l11;"/>'),
    "an undeclared entity": ("well-formed", b"<a>&nbsp;</a>"),
    "depth": ("depth", ROOT % (b"<component>" * 5_000 + b"</component>" * 5_000)),
    "depth without an end": ("depth", b"<a>" * 1_000_000),
    "elements without an end": ("elements", ROOT % (b"<id/>" * 500_000)),
    "one long text": ("text", ROOT % (b"x" * 10_000_000)),
    "one long comment": ("text", ROOT % (b"<!--" + b"x" * 10_000_000 + b"-->")),
    "one long attribute": ("attributes", b'<a b="' + b"x" * 10_000_000 + b'"/>'),
    "many attributes": ("attributes", b"<a " + b" ".join(b'a%d="1"' % n for n in range(5_000)) + b"/>"),
    "another encoding": ("encoding", b'<?xml version="1.0" encoding="UTF-7"?><a/>'),
    "bytes of another encoding": ("encoding", "<a>Sốt</a>".encode("utf-16")),
    "bytes of another encoding without a mark": ("well-formed", "<a>Sốt</a>".encode("utf-16-le")),
    "100,000 reports": ("reports", ROOT % (b"<PORR_IN049016UV/>" * 100_000)),
    "100,000 prefixed reports": ("reports", b'<h:a xmlns:h="urn:hl7-org:v3">' + b"<h:PORR_IN049016UV/>" * 100_000),
    "invalid UTF-8": ("well-formed", b"<a>\xff\xfe</a>"),
    "a control character": ("well-formed", b"<a>\x00</a>"),
    "half a file": ("well-formed", ROOT[:-10] % b""),
    "two roots": ("well-formed", b"<a/><b/>"),
    "nothing": ("well-formed", b""),
    "text": ("well-formed", "không phải XML".encode()),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_refused_at_once_and_says_why(name: str) -> None:
    rule, xml = ATTACKS[name]
    began = time.perf_counter()
    with pytest.raises(XmlRefused) as refused:
        safe_parse(xml)
    assert time.perf_counter() - began < 3
    assert refused.value.rule == rule
    assert refused.value.en and refused.value.vi and len(refused.value.en) < 200


def test_a_hundred_megabytes_are_refused_before_they_are_read() -> None:
    xml = ROOT % (b"x" * 100_000_000)
    began = time.perf_counter()
    with pytest.raises(XmlRefused, match="bytes") as refused:
        safe_parse(xml)
    assert time.perf_counter() - began < 0.5
    assert refused.value.rule == "size"


def test_a_hundred_megabytes_of_text_are_refused_as_text_where_the_size_is_allowed() -> None:
    xml = ROOT % (b"<text>" + b"x" * 100_000_000 + b"</text>")
    began = time.perf_counter()
    with pytest.raises(XmlRefused) as refused:
        safe_parse(xml, Limits(max_bytes=200_000_000))
    assert time.perf_counter() - began < 5
    assert refused.value.rule == "text"


def test_an_acknowledgement_that_attacks_is_unreadable() -> None:
    for _, xml in ATTACKS.values():
        assert read_ack(xml).decision == "unreadable"


def test_what_looks_like_an_attack_inside_text_is_text() -> None:
    assert (
        safe_parse(b"<a><![CDATA[<!DOCTYPE a [<!ENTITY x 'y'>]>&x;]]></a>").text == "<!DOCTYPE a [<!ENTITY x 'y'>]>&x;"
    )


def test_a_byte_order_mark_is_no_attack() -> None:
    assert safe_parse(b"\xef\xbb\xbf<a/>").tag == "a"
