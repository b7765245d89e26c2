"""The fields of a child, an exposure, a batch and a measurement as forms show them."""

from __future__ import annotations

from typing import get_args

from services.ae_intake.pages.specs import Spec
from shared.case import ExposureKind
from shared.case.exposure import ActionTaken
from shared.trial import Trial

PLURALS = {"child": "subject", "exposures": "exposure", "batches": "batch", "measurements": "measurement"}
"""The word in the address -> the kind of record."""
IDENTITY = {"subject": "subject_id", "exposure": "exposure_id", "batch": "batch_id", "measurement": "measurement_id"}
TESTS = (
    "body_temperature",
    "haemoglobin",
    "platelets",
    "neutrophils",
    "alt",
    "ast",
    "gmfm88",
    "gmfcs",
    "ashworth",
    "macs",
)


def specs(kind: str, trial: Trial, lang: str, batches: tuple[str, ...] = (), *, new: bool) -> tuple[Spec, ...]:
    """In the order of the form; what names the record itself is asked only when it is new."""
    sites = {site.id: site.name.text(lang) for site in trial.sites}
    kinds = {one.kind: one.label.text(lang) for one in trial.exposures}
    match kind:
        case "subject":
            return (
                *((Spec("subject_id", "text", required=True, hint="hint.code"),) if new else ()),
                Spec("site_id", "select", tuple(sites), blank=True, texts=sites, hint="hint.site" if new else ""),
                Spec("birth", "moment", hint="hint.birth"),
                Spec("sex", "select", ("female", "male", "unknown"), "sex"),
                Spec("enrolled", "moment"),
                Spec("gmfcs_level", "select", ("I", "II", "III", "IV", "V", "unknown"), "gmfcs"),
                Spec("left", "moment"),
            )
        case "exposure":
            names = get_args(ExposureKind)
            return (
                Spec("kind", "select", names, texts=kinds, blank=new, required=new),
                Spec("name", "text", listed="agents"),
                Spec("indication", "text"),
                Spec("dose", "quantity", listed="units"),
                Spec("route", "text", listed="routes"),
                Spec("start", "moment"),
                Spec("end", "moment"),
                Spec("ongoing", "truth"),
                Spec("infusion_number", "whole", hint="hint.infusion_number"),
                Spec("batch_id", "select", batches, blank=True, texts={one: one for one in batches}),
                Spec("action_taken", "select", get_args(ActionTaken), "dealt"),
                Spec("rehabilitation", "course", hint="hint.course"),
                Spec("note", "words"),
            )
        case "batch":
            return (
                *((Spec("batch_id", "text", required=True, hint="hint.batch_code"),) if new else ()),
                Spec("harvested", "moment"),
                Spec("released", "moment"),
                Spec("cells", "quantity", listed="units"),
                Spec("viability_percent", "decimal"),
                Spec("sterility", "select", ("pending", "negative", "positive", "unknown"), "sterility", blank=new),
                Spec("sterility_on", "moment"),
                Spec("organism", "text"),
                Spec("identity_checked", "truth"),
            )
        case _:
            return (
                Spec("test", "text", listed="tests", required=True, hint="hint.test"),
                Spec("instrument", "text"),
                Spec("value", "decimal", required=True),
                Spec("unit", "text", listed="units", label="value_unit"),
                Spec("lower_limit", "decimal"),
                Spec("upper_limit", "decimal"),
                Spec("body_site", "text"),
                Spec("lasted_hours", "decimal"),
                Spec("baseline", "flag"),
                Spec("taken", "moment"),
            )
