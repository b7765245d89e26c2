"""What counting rests on besides the documents: taken from the trial file when a cut is frozen, and kept with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shared.trial import Trial
from shared.trial.charter import ControlTime, InfusionMeans, NotRelatedNeeds, OnsetClock


@dataclass(frozen=True)
class Rule:
    """A stopping rule as it stood: its integer table decides, the rest is there to be shown."""

    rule_id: str
    label_en: str
    label_vi: str
    window_months: int
    p0: str
    prior_alpha: str
    prior_beta: str
    theta: str
    boundary: tuple[tuple[int, int], ...]
    """(children with the event, up to so many evaluable children), rising."""
    illustrative: bool


@dataclass(frozen=True)
class Plan:
    """`control_months`: for every arm the month its planned control period ends, None for an arm that is treated at once."""

    trial_id: str
    trial_sha256: str
    title_en: str
    title_vi: str
    zone: str
    subjects_planned: int
    control_months: Mapping[str, int | None]
    related_kinds: tuple[str, ...]
    onset_clock: OnsetClock
    control_time: ControlTime
    infusion_means: InfusionMeans
    not_related_needs: NotRelatedNeeds
    days_per_year: str
    confidence: str
    small_cell_below: int
    smallest_arm: int
    ctcae_version: str
    charter_version: str
    illustrative: bool
    rules: tuple[Rule, ...]

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(sorted(self.control_months))

    @property
    def window_months(self) -> int | None:
        """The longest planned control period: as long is the randomised comparison of children treated at once."""
        return max((months for months in self.control_months.values() if months is not None), default=None)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "control_months": dict(self.control_months),
            "related_kinds": list(self.related_kinds),
            "rules": [asdict(one) | {"boundary": [list(step) for step in one.boundary]} for one in self.rules],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        rules = tuple(
            Rule(**{**one, "boundary": tuple((step[0], step[1]) for step in one["boundary"])}) for one in data["rules"]
        )
        return cls(**{**data, "related_kinds": tuple(data["related_kinds"]), "rules": rules})

    @classmethod
    def of(cls, trial: Trial) -> Plan:
        charter, analysis = trial.dsmb_charter, trial.dsmb_charter.analysis
        product = trial.kinds("IP")
        both = trial.investigational_kinds
        return cls(
            trial_id=trial.id,
            trial_sha256=trial.sha256,
            title_en=trial.title.en,
            title_vi=trial.title.vi,
            zone=trial.desk_zone,
            subjects_planned=trial.subjects_planned,
            control_months={arm.id: arm.control_until_month for arm in trial.arms},
            related_kinds=tuple(sorted(product if analysis.infusion_means.value == "product" else both)),
            onset_clock=analysis.onset_clock.value,
            control_time=analysis.control_time.value,
            infusion_means=analysis.infusion_means.value,
            not_related_needs=analysis.not_related_needs.value,
            days_per_year=analysis.days_per_year,
            confidence=analysis.confidence,
            small_cell_below=analysis.small_cell_below,
            smallest_arm=analysis.smallest_arm,
            ctcae_version=trial.ctcae_version,
            charter_version=charter.version,
            illustrative=charter.illustrative,
            rules=tuple(
                Rule(
                    rule_id=one.id,
                    label_en=one.label.en,
                    label_vi=one.label.vi,
                    window_months=one.window_months,
                    p0=one.p0,
                    prior_alpha=one.prior_alpha,
                    prior_beta=one.prior_beta,
                    theta=one.theta,
                    boundary=tuple((step.events, step.up_to_n) for step in one.boundary),
                    illustrative=one.illustrative,
                )
                for one in charter.stopping_rules
            ),
        )
