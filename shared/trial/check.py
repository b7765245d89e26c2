"""What `tocsin trial check FILE` says: every problem with its line, and what a person should know although it is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath

from shared.errors import FieldProblem
from shared.trial.load import TrialInvalid, load_with_places, problem_at
from shared.trial.trial import Trial


@dataclass(frozen=True)
class Checked:
    """`problems` make the file unusable; `notices` do not."""

    trial: Trial | None
    problems: tuple[FieldProblem, ...]
    notices: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def check(path: FilePath, *, rules_dir: FilePath | None = None, calendars_dir: FilePath | None = None) -> Checked:
    """Check a trial file; with the directories given, also that the rule and calendar files it names are there."""
    name = str(path)
    try:
        trial, document = load_with_places(path.read_bytes().decode("utf-8"), name)
    except OSError as error:
        problem = FieldProblem("", f"{name}:1:1: cannot be read ({error.strerror}); give the path of a trial file")
        return Checked(None, (problem,), ())
    except UnicodeDecodeError as error:
        problem = FieldProblem("", f"{name}:1:1: byte {error.start} is not UTF-8; save the file as UTF-8")
        return Checked(None, (problem,), ())
    except TrialInvalid as invalid:
        return Checked(None, invalid.problems, ())
    absent = [
        problem_at(
            name,
            document.place((key, index)),
            (key, index),
            f"there is no {folder / wanted}",
            "add the file or correct the name",
        )
        for key, folder, files in (
            ("rule_files", rules_dir, trial.rule_files),
            ("calendar_files", calendars_dir, trial.calendar_files),
        )
        if folder is not None
        for index, wanted in enumerate(files)
        if not (folder / wanted).is_file()
    ]
    return Checked(trial, tuple(absent), notices(trial))


def notices(trial: Trial) -> tuple[str, ...]:
    """What is allowed and should be known: placeholders, unsigned terms, hours without anyone on duty, open doubts."""
    said = [
        f"ILLUSTRATIVE: {part} is ours, not the sponsor's; production refuses it" for part in trial.illustrative_parts
    ]
    for version in trial.rsi:
        unsigned = [term.term for term in version.terms if not term.signed]
        if unsigned:
            said.append(f"rsi/{version.version}: unsigned, so not expected: {', '.join(unsigned)}")
    gaps = trial.roster.gaps()
    if gaps:
        first = trial.roster.persons[0].id
        said.append(f"roster: nobody is on duty {', '.join(gaps)}; then everyone is called in order, {first} first")
    if trial.registry.why_unknown is not None:
        said.append(f"registry: unknown ({trial.registry.why_unknown.en})")
    if trial.study is not None and trial.study.why_unknown is not None:
        said.append(f"study: {trial.study.why_unknown.en}")
    addressed = {name for group in trial.duty_groups for name in group.recipients}
    said += [f"recipients/{one.id}: in no duty group" for one in trial.recipients if one.id not in addressed]
    for name, setting in (("vn_regime", trial.vn_regime), ("harvest_counts_as_ip", trial.harvest_counts_as_ip)):
        said.append(f"{name} = {setting.value}: open doubt {setting.doubt} ({setting.why.en})")
    said += [f"{one.name} = {one.value}: open doubt {one.doubt} ({one.why.en})" for one in trial.rule_settings]
    analysis = trial.dsmb_charter.analysis
    for name in ("onset_clock", "control_time", "infusion_means", "not_related_needs"):
        doubt = getattr(analysis, name)
        said.append(f"analysis/{name} = {doubt.value}: open doubt {doubt.doubt} ({doubt.why.en})")
    return tuple(said)
