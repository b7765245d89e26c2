"""What each case calls for, from its versions as ae_intake tells them: the pure rules, without any of the plumbing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from services.sae_notifier.handlers.law import load_law
from services.sae_notifier.rules import AssessmentView, History, evaluate, is_stale
from shared.case import Assessment, CaseReport, Exposure
from shared.case.seriousness import of_case
from shared.runtime import load_trial
from shared.settings import Settings
from tests.chaos.history import DutyFact

FATAL = frozenset({"death", "life_threatening", "fatal_outcome", "grade_5"})


class Oracle:
    """Reads the trial and the rules once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        settings = Settings.load(environment)
        self._trial = load_trial(settings)
        law = load_law(settings, self._trial)
        self._rules, self._calendars, self._law_trial = law.rulebook, law.calendars, law.trial

    def duties(
        self,
        versions: Sequence[CaseReport],
        exposures: Sequence[Exposure],
        assessments: Sequence[Assessment],
        current: Mapping[str, int],
    ) -> tuple[DutyFact, ...]:
        """The duties that this whole history asks for, nothing having been filed."""
        history = History(
            versions=tuple(versions),
            exposures=tuple(exposures),
            assessments=tuple(AssessmentView(one, is_stale(one, current)) for one in assessments),
        )
        facts = self._law_trial.facts(versions[-1].site_id)
        wanted = evaluate(history, facts, self._rules, self._calendars, datetime.now(UTC))
        return tuple(
            DutyFact(
                one.obligation_id,
                one.rule_id,
                one.recipient_id,
                one.due_at.astimezone(UTC).isoformat(),
                one.due_strict_at.astimezone(UTC).isoformat(),
            )
            for one in wanted
            if one.ended is None
        )


def alerts(versions: Sequence[CaseReport]) -> tuple[str, ...]:
    """Kinds of alert: the first serious version calls, and a later one that makes it fatal or life-threatening again."""
    first: CaseReport | None = None
    upgraded = False
    for case in versions:
        judged = of_case(case)
        if judged.serious and first is None:
            first = case
            if FATAL & set(judged.reasons):
                return ("sae",)
        elif FATAL & set(judged.reasons):
            upgraded = True
    if first is None:
        return ()
    return ("sae", "sae_upgraded") if upgraded else ("sae",)
