"""The `tocsin` command: run, migrate, demo, trial check, audit verify, parked, users."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shared.settings import Settings, UnsafeSettings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Tocsin: pharmacovigilance for clinical trials.")
trial_app = typer.Typer(no_args_is_help=True, help="The trial file.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit trail.")
app.add_typer(trial_app, name="trial")
app.add_typer(audit_app, name="audit")
out = Console()
err = Console(stderr=True)
SERVICES = ("ae_intake", "causality", "sae_notifier")


def load_settings() -> Settings:
    try:
        return Settings.load()
    except UnsafeSettings as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from None


@app.command()
def run() -> None:
    """Start everything embedded on one port (PORT, default 8000; data under TOCSIN_VAR)."""
    from services import embedded
    from services.history import load_history
    from shared import compose
    from shared.auth.demo import DEMO_USERS

    settings = load_settings()
    try:
        built = embedded.create_app(settings)
    except UnsafeSettings as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from None
    out.print(f"\n[bold]Tocsin[/bold]  {settings.base_url}   data in {settings.var}/")
    if settings.is_demo:
        out.print("\nDemonstration sign-ins (public passwords, this machine only):")
        for user in DEMO_USERS:
            out.print(f"  {user.user_id:<20} {user.password:<34} {user.role}", highlight=False)
    out.print("\nCtrl-C stops.\n")
    if settings.is_demo:
        load_history(built, settings)
    compose.serve(built, settings, "tocsin")


@app.command()
def migrate(service: Annotated[str | None, typer.Argument(help="One service, or all of them.")] = None) -> None:
    """Bring the database schemas to their newest revision."""
    from shared import compose
    from shared import migrate as migrations
    from shared.clock import SystemClock
    from shared.db import Database

    settings = load_settings()
    for name in [service] if service else SERVICES:
        db = Database(settings.database_url_of(name), name)
        migrations.upgrade(db, name)
        db.close()
        out.print(f"{name}: at head")
    _, auth_db = compose.make_authenticator(settings, SystemClock(), "migrate")
    auth_db.close()
    out.print("auth: at head")


@app.command()
def demo() -> None:
    """Tell one serious case step by step against the running instance; the last line is JSON."""
    from services.demo import tell

    raise typer.Exit(tell(load_settings(), out))


@trial_app.command("check")
def trial_check(file: Annotated[Path, typer.Argument(help="A trial file (YAML).")]) -> None:
    """Validate a trial file; every problem with file, line, column and remedy. Exit code 1 when it cannot be used."""
    from shared.trial import check

    settings_root = Path(__file__).resolve().parent.parent / "deploy"
    checked = check(file, rules_dir=settings_root / "rules", calendars_dir=settings_root / "calendars")
    for problem in checked.problems:
        err.print(problem.detail, style="red", markup=False, highlight=False, soft_wrap=True)
    for notice in checked.notices:
        out.print(f"note: {notice}", markup=False, highlight=False, soft_wrap=True)
    if not checked.ok:
        raise typer.Exit(1)
    out.print(f"{file}: usable", markup=False)


@audit_app.command("verify")
def audit_verify(as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Verify every service's trail: chains, heads, seals, and every stored row. Exit code 1 and the place when it fails."""
    from services.verify import verify_all

    settings = load_settings()
    results = verify_all(settings)
    if as_json:
        body = [
            {
                "service": one.service,
                "ok": one.ok,
                "entries": one.entries,
                "seals": one.seals,
                "rows": one.rows,
                "breaches": [{"place": breach.place, "what": breach.what} for breach in one.breaches],
            }
            for one in results
        ]
        sys.stdout.write(json.dumps(body, ensure_ascii=False) + "\n")
    else:
        for one in results:
            state = "[green]agrees[/green]" if one.ok else "[red]DOES NOT AGREE[/red]"
            out.print(f"{one.service}: {state}  {one.entries} entries, {one.seals} seals, {one.rows} rows")
            for breach in one.breaches:
                out.print(f"  {breach.place}: {breach.what}", markup=False, highlight=False, soft_wrap=True)
    if not all(one.ok for one in results):
        raise typer.Exit(1)
