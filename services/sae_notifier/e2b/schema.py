"""The official XSDs of the ICH package, from a directory an administrator keeps. Without them nothing is called valid."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lxml import etree

from services.sae_notifier.e2b.oids import ACK_ROOT, BATCH_ROOT
from services.sae_notifier.e2b.path import Node
from shared.errors import Unavailable

_POOL: dict[Path, list[etree.XMLSchema]] = {}
"""Compiled schemas not in use. One keeps its last errors to itself, so two validations never share one (popping is atomic)."""
MOST_ERRORS = 200


class SchemasMissing(Unavailable):
    """The schemas are not where the setting says: nothing can be validated, so nothing may be sent."""

    code = "e2b-schemas-missing"
    title = "The E2B(R3) schemas are not installed; nothing can be validated or sent"


@dataclass(frozen=True)
class SchemaError:
    line: int
    node: Node | None
    message: str


def schema_errors(root: Node, schemas_dir: Path, name: str = BATCH_ROOT) -> list[SchemaError]:
    """What the schema says against this document. Raises SchemasMissing."""
    path = schema_file(schemas_dir, name)
    free = _POOL.setdefault(path, [])
    try:
        schema = free.pop()
    except IndexError:
        schema = _compiled(path)
    try:
        if schema.validate(root.getroottree()):
            return []
        told = islice(schema.error_log, MOST_ERRORS)
        return [SchemaError(one.line, _at(root, one.path), one.message) for one in told]
    finally:
        free.append(schema)


def installed(schemas_dir: Path) -> bool:
    """True when both schemas (report and acknowledgement) are there."""
    try:
        return all(schema_file(schemas_dir, name) for name in (BATCH_ROOT, ACK_ROOT))
    except SchemasMissing:
        return False


def schema_file(schemas_dir: Path, name: str) -> Path:
    """The file of the schema; the directory is the package's own, with `coreschemas` beside `multicacheschemas`."""
    path = Path(schemas_dir) / "multicacheschemas" / f"{name}.xsd"
    if not path.is_file():
        raise SchemasMissing(
            f"{name}.xsd is not in {Path(schemas_dir) / 'multicacheschemas'}: run `tocsin e2b fetch-schemas`, "
            "or set TOCSIN_E2B_SCHEMAS to the directory that holds coreschemas and multicacheschemas"
        )
    return path


def _compiled(path: Path) -> etree.XMLSchema:
    try:
        return etree.XMLSchema(etree.parse(path, etree.XMLParser(no_network=True)))
    except (etree.XMLSchemaParseError, etree.XMLSyntaxError, OSError) as error:
        raise SchemasMissing(f"{path} cannot be used ({str(error)[:200]}): run `tocsin e2b fetch-schemas`") from None


def _at(root: Node, path: str | None) -> Node | None:
    """The element an error is about; None where its path needs a prefix that libxml2 does not tell (`/*/xi:include`)."""
    try:
        found = root.getroottree().xpath(path) if path else []
    except etree.LxmlError:
        return None
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else None
