"""A cut as events: the largest fits the log, what comes back is what was packed, and anything else is refused."""

from __future__ import annotations

import json
import secrets
import zlib

import pytest

from services.dsmb.domain import Entry, Manifest, code_arms, coding_again, packing
from services.dsmb.domain.manifest import coding_sha256
from services.dsmb.domain.packing import Damaged, pack, unpack
from services.dsmb.handlers.publishing import events_of
from services.dsmb.store import CutRow, PrintRow, ReportRow
from shared.bus.outbox import MAX_BODY_BYTES
from shared.canonical import canonical, sha256
from shared.ids import new_id
from tests.unit.dsmb import build

SALT = "ab" * 16
FILES = [b"manifest" * 40, b"", b"closed report" * 30]
NAMED = [(len(one), sha256(one)) for one in FILES]


def large(entries: int) -> tuple[CutRow, list[ReportRow | PrintRow]]:
    """A manifest of so many documents, and papers that nothing makes smaller."""
    manifest = Manifest(
        cut_id=new_id(),
        at=build.CUT,
        program="tables-1",
        salt=SALT,
        coding_sha256=coding_sha256(build.CODING.items(), SALT),
        plan=build.plan(),
        entries=tuple(Entry(f"case/{new_id()}", 1, secrets.token_hex(32)) for _ in range(entries)),
    )
    row = CutRow(
        cut_id=manifest.cut_id,
        at=manifest.at,
        purpose="x" * 500,
        frozen_by="dsmb-statistician",
        manifest=manifest.body().decode(),
        manifest_sha256=manifest.sha256,
        offsets="{}",
        documents=entries,
        children=9,
        parked=0,
        opened=True,
        withheld="",
    )
    rows: list[ReportRow | PrintRow] = []
    for kind in ("closed", "open"):
        body = json.dumps({"rows": secrets.token_hex(50_000)})
        rows.append(ReportRow(cut_id=row.cut_id, kind=kind, body=body, sha256=sha256(body.encode())))
        for language in ("vi", "en"):
            paper = secrets.token_bytes(450_000)
            rows.append(PrintRow(cut_id=row.cut_id, kind=kind, language=language, content=paper, sha256=sha256(paper)))
    return row, rows


def test_a_cut_of_twenty_thousand_documents_fits_the_log_and_comes_back() -> None:
    row, rows = large(20_000)
    parts, cut = events_of("t", row, rows)
    assert len(row.manifest) > 2 * MAX_BODY_BYTES, "whole it would be refused"
    assert len(parts) == len(cut.parts) > 3
    assert max(len(canonical(one)) for one in (*parts, cut)) <= MAX_BODY_BYTES
    back = unpack(
        [packing.as_bytes(one.content_base64) for one in parts], [(one.size, one.sha256) for one in cut.files]
    )
    assert back == [
        row.manifest.encode(),
        *(one.body.encode() if isinstance(one, ReportRow) else one.content for one in rows),
    ]


def test_empty_and_small_files_come_back_in_their_order() -> None:
    for most in (1, 7, 10_000):
        assert unpack(pack(FILES, most), NAMED) == FILES


@pytest.mark.parametrize(
    "parts",
    [
        pack(FILES, 20)[:-1],
        pack(FILES, 20)[1:],
        [*pack(FILES, 20), b"more"],
        pack(FILES, 20)[::-1],
        [zlib.compress(b"".join(FILES) + b"!")],
        [zlib.compress(b"".join(FILES)[:-1])],
        [zlib.compress(b"".join(FILES).replace(b"closed", b"opened"))],
        [zlib.compress(b"0" * 50_000_000)],
        [b"not packed"],
        [],
    ],
    ids=["tail", "head", "more", "turned", "longer", "shorter", "other", "bomb", "rubbish", "nothing"],
)
def test_what_was_not_packed_so_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(Damaged):
        unpack(parts, NAMED)


@pytest.mark.parametrize("text", ["AAA", "AA=A", "not base64!", "ä"])
def test_a_part_that_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(Damaged):
        packing.as_bytes(text)


@pytest.mark.parametrize("arms", ["A", "AB", "ABCD"])
@pytest.mark.parametrize(
    "before", [{}, {"old": "X"}, {"B": "W"}], ids=["first", "after another arm", "one had its own"]
)
def test_letters_are_found_again_by_the_seal(arms: str, before: dict[str, str]) -> None:
    given = code_arms(list(arms), before, b"a key")
    seal = coding_sha256(given.items(), SALT)
    assert coding_again(list(arms), lambda one: coding_sha256(one.items(), SALT) == seal) == given


def test_no_letters_fit_another_seal() -> None:
    assert coding_again(["A", "B"], lambda _: False) is None
