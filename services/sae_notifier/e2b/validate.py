"""A file through every layer: safe to read, valid by the official XSD, right by our own rules.

The layers build on each other: what is not safe is not read; what is not a batch has no elements to judge. After the XSD the
rules still run, so that one answer says everything there is to mend.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from services.sae_notifier.e2b.doubts import Doubts
from services.sae_notifier.e2b.finding import Finding
from services.sae_notifier.e2b.oids import ACK_ROOT, BATCH_ROOT, NS
from services.sae_notifier.e2b.read import ReadBack, read_tree
from services.sae_notifier.e2b.rules import case, cells, dates, fda, identity, pairs, unread
from services.sae_notifier.e2b.rules.scope import Rule, Scope
from services.sae_notifier.e2b.safe import Limits, XmlRefused, safe_parse
from services.sae_notifier.e2b.schema import schema_errors, schema_file
from services.sae_notifier.e2b.structure import local
from services.sae_notifier.e2b.table import PROFILES, Profile
from shared.errors import Refused

MOST_FINDINGS = 2_000
CORE: tuple[Rule, ...] = (
    cells.cells,
    cells.present,
    cells.said_once,
    pairs.pairs,
    dates.dates,
    identity.numbers,
    identity.constants,
    identity.references,
    case.sender_and_sources,
    case.documents_and_numbers,
    case.patient,
    case.reactions,
    case.one_dictionary,
    case.tests,
    case.drugs,
    unread.unread,
)
FDA: tuple[Rule, ...] = (
    fda.routing,
    fda.report_type,
    fda.numbers,
    fda.expedited,
    fda.death,
    fda.suspects,
    fda.aggregate,
    fda.race,
    fda.attachments,
)


def as_profile(text: str) -> Profile:
    """One of our profiles by name; anything else is refused."""
    for one in PROFILES:
        if one == text:
            return one
    raise Refused(f"there is no profile {text[:40]!r}; use one of {', '.join(PROFILES)}")


def validate(
    xml: bytes,
    profile: Profile,
    schemas_dir: Path,
    *,
    doubts: Doubts | None = None,
    now: datetime | None = None,
    initial: bool | None = None,
    limits: Limits | None = None,
) -> list[Finding]:
    """Everything found in the file. Raises SchemasMissing: without the schemas nothing is called valid."""
    return examine(xml, profile, schemas_dir, doubts=doubts, now=now, initial=initial, limits=limits)[1]


def examine(
    xml: bytes,
    profile: Profile,
    schemas_dir: Path,
    *,
    doubts: Doubts | None = None,
    now: datetime | None = None,
    initial: bool | None = None,
    limits: Limits | None = None,
) -> tuple[ReadBack | None, list[Finding]]:
    """As `validate`, with what was read; None where the file is not a batch that can be read."""
    schema_file(schemas_dir, BATCH_ROOT)
    try:
        root = safe_parse(xml, limits)
    except XmlRefused as refused:
        where = f"line {refused.line}" if refused.line else ""
        return None, [Finding("parse", refused.rule, "", where, refused.en, refused.vi)]
    if root.tag != f"{{{NS}}}{BATCH_ROOT}":
        return None, [_not_a_batch(local(root))]
    back = read_tree(root)
    found = chain(_xsd(back, schemas_dir), judge(back, profile, doubts=doubts, now=now, initial=initial))
    return back, _bounded(found)


def _bounded(found: Iterator[Finding]) -> list[Finding]:
    """A hostile file can break a rule 100,000 times; what is not listed is an error of its own, so nothing passes unseen."""
    listed = list(islice(found, MOST_FINDINGS))
    if next(found, None) is not None:
        en = f"only the first {MOST_FINDINGS:,} findings are listed; mend these and look again"
        vi = f"chỉ liệt kê {MOST_FINDINGS:,} phát hiện đầu tiên; hãy sửa rồi kiểm tra lại"
        listed.append(Finding("rules", "too-many", "", "", en, vi))
    return listed


def judge(
    back: ReadBack,
    profile: Profile,
    *,
    doubts: Doubts | None = None,
    now: datetime | None = None,
    initial: bool | None = None,
) -> Iterator[Finding]:
    """Our own rules alone, on a file that was read."""
    scope = Scope(back, profile, doubts or Doubts(), now, initial)
    for rule in (*CORE, *(FDA if scope.fda else ())):
        yield from rule(scope)


def _xsd(back: ReadBack, schemas_dir: Path) -> Iterator[Finding]:
    for error in schema_errors(back.root, schemas_dir):
        element = back.element_at(error.node) if error.node is not None else ""
        where = back.where.xpath(error.node) or f"line {error.line}"
        said = error.message.replace(f"{{{NS}}}", "")[:400]
        vi = f"Dòng {error.line}: cấu trúc không đúng lược đồ chính thức ({said})"
        yield Finding("xsd", "xsd", element, where, f"line {error.line}: {said}", vi)


def _not_a_batch(name: str) -> Finding:
    if name == ACK_ROOT:
        en, vi = (
            "this is an acknowledgement; read it with `tocsin e2b ack`",
            "đây là thông điệp phản hồi; dùng `tocsin e2b ack`",
        )
    else:
        en, vi = f"the root is not {BATCH_ROOT} of {NS}", f"phần tử gốc không phải {BATCH_ROOT} của {NS}"
    return Finding("parse", "root", "", f"/{name}", en, vi)
