"""A demonstration's own directories, for recipients that take electronic reports as files and that nobody gave a place.

Only with demonstration users and without TOCSIN_ENDPOINTS: `tocsin run` makes them, and `deploy/dev/rehearsal.py`, which names
them in TOCSIN_ENDPOINTS for its processes. Nobody reads them but whoever plays the recipient: `tocsin demo` does.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import SecretStr

from shared import runtime
from shared.endpoints import Endpoint
from shared.settings import Settings
from shared.trial import Trial

FOLDER = "endpoints"


def wanted(settings: Settings) -> bool:
    """Whether this is a demonstration that was told no address of anybody's computer."""
    return settings.mode == "embedded" and settings.is_demo and "endpoints" not in settings.model_fields_set


def of(var: Path, trial: Trial) -> dict[str, Endpoint]:
    """Endpoint name -> `in` (what we send) and `out` (what is answered) below `var`, for every endpoint that takes files."""
    named = {one.transport.endpoint for one in trial.recipients if one.transport and one.transport.kind == "file_drop"}
    home = var.absolute() / FOLDER
    return {name: Endpoint(address=str(home / name / "in"), answers=str(home / name / "out")) for name in sorted(named)}


def meant(settings: Settings, trial: Trial) -> bool:
    """Whether TOCSIN_ENDPOINTS, if it is set, names these directories and no other place."""
    if "endpoints" not in settings.model_fields_set:
        return True
    boxes, named = of(settings.var, trial), settings.endpoints_by_name
    return named.keys() == boxes.keys() and all(
        (one.address, one.answers) == (named[name].address, named[name].answers) for name, one in boxes.items()
    )


def there(var: Path, trial: Trial) -> bool:
    """Whether an instance has made them."""
    return all(Path(place).is_dir() for one in of(var, trial).values() for place in (one.address, one.answers))


def make(var: Path, trial: Trial) -> str:
    """Makes the directories; what TOCSIN_ENDPOINTS says of them."""
    boxes = of(var, trial)
    for one in boxes.values():
        for place in (one.address, one.answers):
            Path(place).mkdir(parents=True, exist_ok=True)
    return json.dumps({name: {"address": one.address, "answers": one.answers} for name, one in boxes.items()})


def given(settings: Settings) -> Settings:
    """The same settings with these directories, made; unchanged where they are not wanted. Raises TrialInvalid."""
    if not wanted(settings):
        return settings
    text = make(settings.var, runtime.load_trial(settings))
    return settings.model_copy(update={"endpoints": SecretStr(text)}) if json.loads(text) else settings
