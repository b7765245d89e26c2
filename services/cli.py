"""The `tocsin` command."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import structlog
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from services import SERVICES
from services.e2b_cli import e2b_app
from shared.settings import Settings, UnsafeSettings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Tocsin: pharmacovigilance for clinical trials.")
trial_app = typer.Typer(no_args_is_help=True, help="The trial file.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit trail.")
users_app = typer.Typer(no_args_is_help=True, help="Who may come in.")
app.add_typer(users_app, name="users")
app.add_typer(trial_app, name="trial")
app.add_typer(audit_app, name="audit")
app.add_typer(e2b_app, name="e2b")
out = Console()
err = Console(stderr=True)


@app.callback()
def before_all() -> None:
    """What goes wrong is told on the other channel: standard output is what a command was asked for, JSON above all."""
    if not structlog.is_configured():
        structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


def load_settings() -> Settings:
    try:
        return Settings.load()
    except UnsafeSettings as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from None


@app.command()
def run() -> None:
    """Start everything embedded on one port (PORT, default 8000; data under TOCSIN_VAR)."""
    from services import drop_boxes, embedded, running
    from services.mailbox import Mailbox, wanted
    from services.progress import history_supervisor, is_free
    from services.sae_notifier.handlers.law import LawRefused
    from shared import compose
    from shared.auth.demo import DEMO_USERS
    from shared.clock import SystemClock
    from shared.trial import TrialInvalid

    settings = load_settings()
    if "log_level" not in settings.model_fields_set:
        # A person reads this terminal: the address and the sign-ins must not scroll away under a line per request.
        settings = settings.model_copy(update={"log_level": "warning"})
    if not is_free(settings.host, settings.port):
        err.print(f"PORT: {settings.port} is in use; stop what runs there or choose another port", style="red")
        raise typer.Exit(2)
    clock = SystemClock()
    mailbox = Mailbox(settings.var / "mail", clock) if wanted(settings) else None
    more = [history_supervisor(settings, clock, out)] if settings.is_demo and settings.history else []
    try:
        own_boxes = drop_boxes.wanted(settings)
        settings = drop_boxes.given(settings)
        built = embedded.create_app(settings, clock, mailbox=mailbox, more=more)
    except (UnsafeSettings, TrialInvalid, LawRefused) as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from None
    running.note(settings)
    out.print(f"\n[bold]Tocsin[/bold]  {settings.base_url}   dữ liệu / data: {settings.var}/")
    out.print(
        f"Thử nghiệm / trial: {built.state.trial.id} ({built.state.trial.title.en})", markup=False, highlight=False
    )
    if settings.is_demo:
        out.print("\nTài khoản minh họa / demonstration sign-ins (public passwords, this machine only):")
        for user in DEMO_USERS:
            out.print(f"  {user.user_id:<20} {user.password:<34} {user.role}", highlight=False, soft_wrap=True)
    if mailbox:
        out.print(
            f"\nThư đi / outgoing mail: {settings.base_url}/mailbox  (kept here, sent to nobody)", highlight=False
        )
    if own_boxes and settings.endpoints_by_name:
        out.print(
            f"Báo cáo điện tử / electronic reports: {settings.var}/{drop_boxes.FOLDER}/  (left here; make demo answers them)",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    out.print("\nCtrl-C: dừng / stops.   Another terminal: make demo\n", highlight=False, soft_wrap=True)
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
def demo(
    lang: Annotated[str, typer.Option(help="vi or en; without it, what LANG says, else English.")] = "",
    wait: Annotated[float, typer.Option(help="Seconds that the instance may take to be ready.", min=0)] = 30,
) -> None:
    """Tell one serious case step by step against the running instance (PORT); the last line is JSON."""
    from services.demo import tell

    if lang not in ("", "vi", "en"):
        raise typer.BadParameter("vi or en")
    vietnamese = lang == "vi" or (not lang and os.environ.get("LANG", "").startswith("vi"))
    raise typer.Exit(tell(load_settings(), out, "vi" if vietnamese else "en", wait))


@users_app.command("add")
def users_add(
    user_id: Annotated[str, typer.Argument(help="Sign-in name: lower case letters, digits, `_.-`.")],
    role: Annotated[list[str], typer.Option(help="A role; repeat for several.")],
    name: Annotated[str, typer.Option(help="The person's name as others see it.")],
    site: Annotated[list[str] | None, typer.Option(help="A site of the trial; repeat for several.")] = None,
    email: Annotated[str, typer.Option(help="Mail address.")] = "",
) -> None:
    """Add a local user; the password is asked for, or read from standard input when that is no terminal."""
    from shared import compose
    from shared.clock import SystemClock
    from shared.errors import TocsinError

    settings = load_settings()
    if sys.stdin.isatty():
        password = typer.prompt("password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    auth, db = compose.make_authenticator(settings, SystemClock(), "cli")
    try:
        auth.users.add(user_id, name, password, role, now=SystemClock().now(), sites=site or (), email=email)
    except TocsinError as error:
        err.print(error.detail, style="red", markup=False)
        for problem in error.problems:
            err.print(f"  {problem.pointer}: {problem.detail}", markup=False)
        raise typer.Exit(1) from None
    finally:
        db.close()
    out.print(f"{user_id}: added", markup=False)


ToShutOut = Annotated[str, typer.Argument(help="The user id, of a local user or of one the provider vouches for.")]
Why = Annotated[str, typer.Option(help="Why; it stands in the trail.")]


@users_app.command("shut-out")
def users_shut_out(user_id: ToShutOut, reason: Why) -> None:
    """Let somebody in no more, whatever the provider says; their open sign-ins end within 30 seconds."""
    from shared.auth.authenticator import GENERATION_CACHE_S

    _set_active(user_id, False, reason)
    out.print(f"{user_id}: shut out; open sign-ins end within {GENERATION_CACHE_S:.0f} seconds", markup=False)


@users_app.command("let-in")
def users_let_in(user_id: ToShutOut, reason: Why) -> None:
    """Let somebody in again who was shut out; they sign in anew."""
    _set_active(user_id, True, reason)
    out.print(f"{user_id}: may sign in again", markup=False)


def _set_active(user_id: str, active: bool, reason: str) -> None:
    from shared import compose
    from shared.auth.console import login
    from shared.clock import SystemClock
    from shared.errors import TocsinError

    clock = SystemClock()
    auth, db = compose.make_authenticator(load_settings(), clock, "cli")
    try:
        auth.users.set_active(user_id, active, clock.now(), reason=reason, login=login())
    except TocsinError as error:
        _fail(error)
    finally:
        db.close()


def _progress(words: str, what: str = "records") -> tuple[Progress, Callable[[int], None]]:
    """A bar on the error stream, so that the output stays clean."""
    bar = Progress(
        TextColumn(words),
        SpinnerColumn(),
        TextColumn("{task.completed} " + what),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )
    task = bar.add_task(words, total=None)
    return bar, lambda done: bar.update(task, completed=done)


def _service(name: str) -> str:
    if name not in SERVICES:
        raise typer.BadParameter(f"{name} is none of {', '.join(SERVICES)}")
    return name


def _fail(error: Exception) -> NoReturn:
    err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1) from None


@app.command()
def backup(target: Annotated[Path, typer.Argument(help="A new folder.")]) -> None:
    """Copy every database into a new folder (SQLite: the log too; PostgreSQL: with pg_dump, one file a schema)."""
    from services import coming_back

    settings = load_settings()
    bar, copied = _progress(f"copying to {target}", "files")
    try:
        with bar:
            for number, file in enumerate(coming_back.backup(settings, target), start=1):
                copied(number)
                out.print(f"{file}  {file.stat().st_size:,} bytes", markup=False, highlight=False, soft_wrap=True)
    except coming_back.WHY_NOT as error:
        _fail(error)


@app.command()
def restore(
    service: Annotated[str, typer.Argument(help="The service that lost something, or auth.")],
    copies: Annotated[Path | None, typer.Option("--from", help="First put this backup's copy in place.")] = None,
) -> None:
    """Rebuild what a service's database lacks from its own events on the log; it stays held until somebody releases it."""
    import asyncio

    from services import coming_back
    from shared.clock import SystemClock

    if service != "auth":
        _service(service)
    elif copies is None:
        raise typer.BadParameter("the users are on no log: give --from with the folder of a backup")
    settings = load_settings()
    try:
        if copies is not None and (kept := coming_back.put_copy_back(settings, service, copies)):
            out.print(f"what stood there before is kept: {kept}", markup=False, highlight=False, soft_wrap=True)
        if service == "auth":
            out.print("auth: as it was when it was copied; make anew who was added since", markup=False)
            return
        bar, moved = _progress(f"restoring {service}")
        with bar:
            done = asyncio.run(coming_back.restore(settings, SystemClock(), service, moved))
    except coming_back.WHY_NOT as error:
        _fail(error)
    if done is None:
        out.print(f"{service}: nothing is missing; it is not held", markup=False)
        return
    for name, count in sorted(done.counts.items()):
        out.print(f"{count:>8,}  {name}", markup=False, highlight=False)
    if done.parked:
        out.print(f"{done.parked:>8,}  records could not be restored and stand parked", style="red", markup=False)
    out.print(f"{service}: restored; held until `tocsin release {service} --user …`", markup=False)


@app.command()
def release(
    service: Annotated[str, typer.Argument(help="The service that was restored.", callback=_service)],
    user: Annotated[str, typer.Option(help="Who releases it (safety officer or admin).")],
    reason: Annotated[str, typer.Option(help="Why it may go on: what was compared.")],
) -> None:
    """Let a restored service write and send again; the password is asked for, or read from standard input."""
    from services import coming_back
    from shared.clock import SystemClock
    from shared.errors import TocsinError

    password = typer.prompt("password", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        row = coming_back.release(load_settings(), SystemClock(), service, user, password, reason)
    except TocsinError as error:
        _fail(error)
    out.print(f"{service}: released by {row.released_by}; {len(row.waiting())} children are judged anew", markup=False)


@app.command()
def republish() -> None:
    """Make a lost or cut log whole again from its owners' databases, same ids and bytes; every service is held meanwhile."""
    import asyncio

    from services import coming_back
    from shared.clock import SystemClock

    try:
        bar, moved = _progress("republishing")
        with bar:
            done = asyncio.run(coming_back.rebuild_log(load_settings(), SystemClock(), moved))
    except coming_back.WHY_NOT as error:
        _fail(error)
    out.print(
        f"{done.found:,} records stood on the log, {done.appended:,} were appended, "
        f"{done.rewound:,} reading positions went back",
        markup=False,
        highlight=False,
    )


@trial_app.command("check")
def trial_check(file: Annotated[Path, typer.Argument(help="A trial file (YAML).")]) -> None:
    """Validate a trial file; every problem with file, line, column and remedy. Exit code 1 when it cannot be used."""
    from services.trial_check import check_with_law

    settings_root = Path(__file__).resolve().parent.parent / "deploy"
    checked = check_with_law(file, settings_root / "rules", settings_root / "calendars")
    for problem in checked.problems:
        err.print(problem.detail, style="red", markup=False, highlight=False, soft_wrap=True)
    for notice in checked.notices:
        out.print(f"note: {notice}", markup=False, highlight=False, soft_wrap=True)
    if not checked.ok:
        raise typer.Exit(1)
    out.print(f"{file}: usable", markup=False)


@app.command()
def bell() -> None:
    """Ring the bell of last resort once, as a test: exit code 1 when a channel failed or none is set."""
    from shared import compose
    from shared.clock import SystemClock

    rung = compose.make_bell(load_settings(), SystemClock()).ring("test", "tocsin")
    for channel in rung.taken:
        out.print(f"{channel}: taken")
    for channel in rung.failed:
        err.print(f"{channel}: FAILED; the log above says why", style="red")
    if not rung.taken and not rung.failed:
        err.print("Nobody would hear it: set TOCSIN_ALARM_MAIL or TOCSIN_ALARM_WEBHOOK.", style="red")
    if rung.failed or not rung.taken:
        raise typer.Exit(1)


@audit_app.command("verify")
def audit_verify(as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Verify every trail: chains, heads, seals, every stored row, the embedded log. Exit code 1 and the place when it fails."""
    from services.verify import verify_all
    from shared import compose
    from shared.clock import SystemClock
    from shared.db import DatabaseAway

    settings = load_settings()
    bar, verified = _progress("verifying", "trails")
    try:
        with bar:
            results = verify_all(settings, verified)
    except DatabaseAway as error:
        err.print(f"The trail cannot be read: {error}.", style="red", markup=False, soft_wrap=True)
        err.print("A table that is gone was dropped, or `tocsin migrate` has not been run with this version.")
        raise typer.Exit(1) from None
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
    broken = [one.service for one in results if not one.ok]
    if broken:
        bell = compose.make_bell(settings, SystemClock())
        for service in broken:
            bell.ring("audit_broken", service)
        raise typer.Exit(1)
