"""docker-compose.yml is confined as promised; that docker-compose takes it is checked by `make compose`."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from shared import runtime
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
OURS = ("ae_intake", "causality", "sae_notifier", "dsmb", "migrate", "mailcatcher")
SERVICES = ("ae_intake", "causality", "sae_notifier", "dsmb")


def compose() -> dict[str, Any]:
    return YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())["services"]


@pytest.mark.parametrize("name", [*OURS, "proxy"])
def test_what_we_run_cannot_write_or_rise(name: str) -> None:
    service = compose()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_checked_and_waits_for_its_schema(name: str) -> None:
    service = compose()[name]
    assert "deploy/healthcheck.py" in service["healthcheck"]["test"]
    assert service["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert service["build"]["args"]["SERVICE"] == name


def test_only_the_proxy_is_open_and_nothing_but_this_machine_sees_it_by_default() -> None:
    published = {name: service["ports"] for name, service in compose().items() if "ports" in service}
    assert set(published) == {"proxy", "mailcatcher"}
    assert all("127.0.0.1:" in port for ports in published.values() for port in ports)


def test_every_service_starts_and_the_proxy_waits_for_it() -> None:
    for name in SERVICES:
        assert "profiles" not in compose()[name]
        assert compose()["proxy"]["depends_on"][name]["condition"] == "service_healthy"


def test_reports_can_leave_by_computer_and_only_the_notifier_knows_the_way() -> None:
    notifier = compose()["sae_notifier"]
    assert [one.partition(":/")[2] for one in notifier["volumes"]] == ["e2b-schemas:ro", "exchange"]
    assert notifier["environment"]["TOCSIN_E2B_SCHEMAS"] == "/e2b-schemas"
    assert set(compose()["causality"]["environment"]) <= set(notifier["environment"])
    knowing = {name for name, one in compose().items() if "TOCSIN_ENDPOINTS" in (one.get("environment") or {})}
    assert knowing == {"sae_notifier"}


def test_no_secret_has_a_default() -> None:
    for name, service in compose().items():
        for key, value in (service.get("environment") or {}).items():
            if any(word in key for word in ("PASSWORD", "SECRET", "_KEY")):
                # One that not every installation needs may stay empty: `Settings` refuses that where it is needed.
                assert ":?" in str(value) or str(value).endswith(":-}"), f"{name}: {key}"


def test_the_rehearsal_of_its_first_lines_would_start() -> None:
    """Each service would be given settings that it takes, with the shipped trial and users for the demonstration."""
    said = [line[1:] for line in (ROOT / "docker-compose.yml").read_text().splitlines() if line.startswith("#  ")]
    given = dict(re.findall(r"\b([A-Z_]+)=(\S+)", " ".join(line for line in said if "export TOCSIN" in line)))
    made = re.search(r"for name in ([A-Z_ ]+);", " ".join(said))
    assert made
    given |= {name: secrets.token_urlsafe(48) for name in made[1].split()}
    for name in SERVICES:
        told = {key: _filled(str(value), given) for key, value in compose()[name]["environment"].items()}
        settings = Settings.load(told)
        assert settings.mode == "production" and settings.is_demo
        assert runtime.load_trial(settings).illustrative


def _filled(value: str, given: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+):[?-]([^}]*)\}", lambda one: given.get(one[1], "" if "?" in one[0] else one[2]), value)


def test_the_image_is_not_root() -> None:
    users = [
        line.split()[1] for line in (ROOT / "deploy/Dockerfile").read_text().splitlines() if line.startswith("USER ")
    ]
    assert users[0] != "0"
    assert users[-1] != "0"
