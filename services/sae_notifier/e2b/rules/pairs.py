"""Elements that come together: a value with its unit, a code with its version, a text with its language."""

from __future__ import annotations

from collections.abc import Iterator

from services.sae_notifier.e2b.finding import Finding
from services.sae_notifier.e2b.rules.scope import Scope

NEEDS: tuple[tuple[str, str, str, str], ...] = (
    # group, when this is there, this must be too, FDA's id
    ("C.1.9.1.r", "C.1.9.1.r.1", "C.1.9.1.r.2", "R0018"),
    ("N.2.r", "C.1.11.1", "C.1.11.2", "C.1.11.2"),
    ("N.2.r", "C.1.11.2", "C.1.11.1", "C.1.11.1"),
    ("N.2.r", "D.2.2b", "D.2.2a", "R0029"),
    ("N.2.r", "D.2.2a", "D.2.2b", "R0030"),
    ("N.2.r", "D.2.2.1b", "D.2.2.1a", "R0031"),
    ("N.2.r", "D.2.2.1a", "D.2.2.1b", "R0032"),
    ("D.7.1.r", "D.7.1.r.1b", "D.7.1.r.1a", "R0033"),
    ("D.7.1.r", "D.7.1.r.1a", "D.7.1.r.1b", "R0034"),
    ("D.8.r", "D.8.r.6b", "D.8.r.6a", "R0037"),
    ("D.8.r", "D.8.r.6a", "D.8.r.6b", "R0038"),
    ("D.8.r", "D.8.r.7b", "D.8.r.7a", "R0039"),
    ("D.8.r", "D.8.r.7a", "D.8.r.7b", "R0040"),
    ("D.9.2.r", "D.9.2.r.1b", "D.9.2.r.1a", "R0042"),
    ("D.9.2.r", "D.9.2.r.1a", "D.9.2.r.1b", "R0043"),
    ("D.9.2.r", "D.9.2.r.1b", "D.9.2.r.2", "R0044"),
    ("N.2.r", "D.9.1", "D.9.3", "R0045"),
    ("D.9.4.r", "D.9.4.r.1b", "D.9.4.r.1a", "R0046"),
    ("D.9.4.r", "D.9.4.r.1a", "D.9.4.r.1b", "R0047"),
    ("D.9.4.r", "D.9.4.r.1b", "D.9.4.r.2", "R0048"),
    ("N.2.r", "D.10.2.2b", "D.10.2.2a", "R0049"),
    ("N.2.r", "D.10.2.2a", "D.10.2.2b", "R0050"),
    ("D.10.7.1.r", "D.10.7.1.r.1b", "D.10.7.1.r.1a", "R0052"),
    ("D.10.7.1.r", "D.10.7.1.r.1a", "D.10.7.1.r.1b", "R0053"),
    ("D.10.8.r", "D.10.8.r.6b", "D.10.8.r.6a", "R0054"),
    ("D.10.8.r", "D.10.8.r.6a", "D.10.8.r.6b", "R0055"),
    ("D.10.8.r", "D.10.8.r.7b", "D.10.8.r.7a", "R0056"),
    ("D.10.8.r", "D.10.8.r.7a", "D.10.8.r.7b", "R0057"),
    ("E.i", "E.i.1.1a", "E.i.1.1b", "R0058"),
    ("E.i", "E.i.6b", "E.i.6a", "R0059"),
    ("E.i", "E.i.6a", "E.i.6b", "R0060"),
    ("F.r", "F.r.2.2b", "F.r.2.2a", "R0063"),
    ("F.r", "F.r.3.2", "F.r.3.3", "R0067"),
    ("F.r", "F.r.4", "F.r.4.unit", "F.r.4"),
    ("F.r", "F.r.5", "F.r.5.unit", "F.r.5"),
    ("G.k.2.3.r", "G.k.2.3.r.3a", "G.k.2.3.r.3b", "R0073"),
    ("G.k", "G.k.3.1", "G.k.3.2", "R0074"),
    ("G.k.4.r", "G.k.4.r.1a", "G.k.4.r.1b", "R0075"),
    ("G.k.4.r", "G.k.4.r.2", "G.k.4.r.3", "R0076"),
    ("G.k.4.r", "G.k.4.r.6b", "G.k.4.r.6a", "R0077"),
    ("G.k.4.r", "G.k.4.r.6a", "G.k.4.r.6b", "R0078"),
    ("G.k", "G.k.5b", "G.k.5a", "R0079"),
    ("G.k", "G.k.5a", "G.k.5b", "R0080"),
    ("G.k", "G.k.6b", "G.k.6a", "R0081"),
    ("G.k", "G.k.6a", "G.k.6b", "R0082"),
    ("G.k.7.r", "G.k.7.r.2b", "G.k.7.r.2a", "R0083"),
    ("G.k.7.r", "G.k.7.r.2a", "G.k.7.r.2b", "R0084"),
    ("G.k.9.i.3.1", "G.k.9.i.3.1b", "G.k.9.i.3.1a", "R0088"),
    ("G.k.9.i.3.1", "G.k.9.i.3.1a", "G.k.9.i.3.1b", "R0089"),
    ("G.k.9.i.3.2", "G.k.9.i.3.2b", "G.k.9.i.3.2a", "R0090"),
    ("G.k.9.i.3.2", "G.k.9.i.3.2a", "G.k.9.i.3.2b", "R0091"),
    ("H.3.r", "H.3.r.1b", "H.3.r.1a", "R0097"),
    ("H.3.r", "H.3.r.1a", "H.3.r.1b", "R0098"),
    ("H.5.r", "H.5.r.1a", "H.5.r.1b", "R0099"),
)


def pairs(scope: Scope) -> Iterator[Finding]:
    for block in scope.back.batch.walk():
        for group, there, needed, rule in NEEDS:
            if group == block.group and block.text(there) and needed not in block.cells:
                en, vi = f"it must come with {there}", f"phải đi cùng {there}"
                yield scope.missing(block, needed, rule, en, vi)
