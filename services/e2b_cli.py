"""`tocsin e2b …`: judge a report, read an acknowledgement, install the official schemas."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import httpx
import typer

from services.sae_notifier.e2b import Finding, Limits, SchemasMissing, as_profile, has_errors, validate
from services.sae_notifier.e2b.ack import read_ack
from services.sae_notifier.e2b.package import NotThePackage, unpacked, verified
from services.sae_notifier.e2b.schema import installed
from shared.clock import SystemClock
from shared.errors import Refused
from shared.settings import Settings

e2b_app = typer.Typer(no_args_is_help=True, help="E2B(R3) reports and acknowledgements.")
MOST_PACKAGE_BYTES = 200_000_000
FOUND, UNUSABLE = 1, 2
"""Exit codes: something is wrong with the file; we could not judge it at all."""

File = Annotated[Path, typer.Argument(help="An XML file.")]
Schemas = Annotated[
    Path | None,
    typer.Option(help="Directory of the schemas; default TOCSIN_E2B_SCHEMAS, else e2b-schemas under TOCSIN_VAR."),
]


@e2b_app.command("validate")
def e2b_validate(
    file: File,
    profile: Annotated[str, typer.Option(help="ich or fda-premarket.")] = "ich",
    schemas: Schemas = None,
) -> None:
    """Judge an E2B(R3) report: findings as JSON; exit code 1 when one is an error, 2 when it could not be judged."""
    try:
        found = validate(_read(file), as_profile(profile), _directory(schemas), now=SystemClock().now())
    except (SchemasMissing, Refused) as error:
        _print([Finding("parse", "not-judged", "", "", error.detail, f"không kiểm tra được: {error.detail}")])
        raise _stop(error.detail) from None
    _print(found)
    if has_errors(found):
        raise typer.Exit(FOUND)


@e2b_app.command("ack")
def e2b_ack(file: File) -> None:
    """Read an E2B(R3) acknowledgement: message code, reports and decision as JSON; exit code 1 when it is unreadable."""
    try:
        ack = read_ack(_read(file))
    except Refused as error:
        typer.echo(json.dumps(read_ack(b"").as_json()))
        raise _stop(error.detail) from None
    typer.echo(json.dumps(ack.as_json(), ensure_ascii=False))
    for note in (ack.why, *ack.batch_errors, "the reports contradict the message code" if ack.contradicts else ""):
        if note:
            typer.echo(f"note: {note}", err=True)
    if ack.decision == "unreadable":
        raise typer.Exit(FOUND)


@e2b_app.command("fetch-schemas")
def e2b_fetch_schemas(
    source: Annotated[
        str, typer.Option(help="Address or zip file of the package; default TOCSIN_E2B_SCHEMAS_URL.")
    ] = "",
    schemas: Schemas = None,
) -> None:
    """Install the official schemas of the ICH package into the schema directory, each file verified by SHA-256."""
    chosen = source or os.environ.get("TOCSIN_E2B_SCHEMAS_URL") or Settings.model_fields["e2b_schemas_url"].default
    directory = _directory(schemas)
    try:
        found = unpacked(_fetched(chosen) if "://" in chosen else _read(Path(chosen), MOST_PACKAGE_BYTES))
        _install(found, directory)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _stop(
            f"{chosen} cannot be fetched ({type(error).__name__}); download the ICH package elsewhere "
            "and give its zip with --source, or set TOCSIN_E2B_SCHEMAS_URL"
        ) from None
    except Refused as error:
        raise _stop(error.detail) from None
    except OSError as error:
        raise _stop(f"{directory} cannot be written ({error.strerror})") from None
    typer.echo(f"{directory}: {len(found)} schema files, each verified")


def _install(found: dict[str, bytes], directory: Path) -> None:
    """Every file beside its final name first: a reader never sees half a schema."""
    for name, content in found.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(content)
        fresh.replace(path)
    if not installed(directory) or not all(verified(name, (directory / name).read_bytes()) for name in found):
        raise NotThePackage(f"{directory} does not hold what was just written to it")


def _fetched(address: str) -> bytes:
    if not address.startswith("https://"):
        raise NotThePackage("the address of the package must be https")
    with httpx.stream("GET", address, follow_redirects=True, timeout=60) as answer:
        answer.raise_for_status()
        held = bytearray()
        for part in answer.iter_bytes():
            held += part
            if len(held) > MOST_PACKAGE_BYTES:
                raise NotThePackage(f"the package is larger than {MOST_PACKAGE_BYTES:,} bytes")
        return bytes(held)


def _directory(given: Path | None) -> Path:
    """What the settings say, without the secrets that loading them all would make."""
    named = os.environ.get("TOCSIN_E2B_SCHEMAS")
    return given or (Path(named) if named else Path(os.environ.get("TOCSIN_VAR") or "var") / "e2b-schemas")


def _print(found: list[Finding]) -> None:
    """Always an array, also where nothing could be judged: an empty answer must not look like a clean one."""
    typer.echo(json.dumps([one.as_json() for one in found], ensure_ascii=False, indent=1))


def _read(file: Path, most: int = Limits().max_bytes) -> bytes:
    """The file, and one byte more than will be read: an endless one is refused by its size."""
    try:
        with file.open("rb") as opened:
            return opened.read(most + 1)
    except OSError as error:
        raise Refused(f"{file} cannot be read ({error.strerror})") from None


def _stop(why: str) -> typer.Exit:
    typer.echo(why, err=True)
    return typer.Exit(UNUSABLE)
