"""The proxy knows every route and gives none to the wrong service: a page nobody is sent to is a page nobody can report on."""

from __future__ import annotations

import re

import pytest

from deploy.dev import proxy
from shared.settings import Settings, names
from tests.support.routes import MAP, ROOT, SERVICES, answered, owner_of, proxy_map

NOT_OUTSIDE = frozenset({"/openapi.json"})
"""Every application has its own; behind the proxy there is no single one to give."""


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_of_a_service_reaches_it(service: str) -> None:
    """A route that several applications have (sign-in, static files) may reach any of those."""
    have = answered()
    assert have.get(service, {"-"}), "an application without routes: has the way of listing them changed?"
    for path in have.get(service, frozenset()) - NOT_OUTSIDE:
        owner = owner_of(path)
        assert owner is not None, f"{MAP.name} does not know {path} of {service}"
        assert path in have.get(owner, frozenset()), f"{MAP.name} sends {path} of {service} to {owner}"


def test_no_path_has_two_owners() -> None:
    prefixes = [prefix for prefix, _ in proxy_map()]
    assert len(set(prefixes)) == len(prefixes)
    inside = [(a, b) for a in prefixes for b in prefixes if a not in ("/", b) and b.startswith(a + "/")]
    assert not inside, "a prefix within another is decided by the order of lines"


def test_only_services_are_named() -> None:
    assert {service for _, service in proxy_map()} <= set(SERVICES)


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/", "ae_intake"),
        ("/cases/1/versions/2", "ae_intake"),
        ("/casesx", None),
        ("/nothing", None),
        ("/api/v1/assessments/7", "causality"),
        ("/ops/sae_notifier/metrics", "sae_notifier"),
    ],
)
def test_a_prefix_is_itself_and_what_is_below(path: str, service: str | None) -> None:
    assert owner_of(path) == service


def test_a_rehearsal_s_proxy_reads_the_map_as_nginx_does() -> None:
    paths = {path for some in answered().values() for path in some} | {
        "/",
        "/casesx",
        "/nothing",
        "/ops",
        "/deskx/live",
    }
    assert len(paths) > 50
    assert {path: proxy.owner_of(path) for path in paths} == {path: owner_of(path) for path in paths}


def test_the_proxy_lets_through_what_the_services_take() -> None:
    size = re.search(r"client_max_body_size (\d+)m;", (ROOT / "deploy/proxy/nginx.conf").read_text())
    assert size
    assert int(size.group(1)) * 1024 * 1024 == proxy.MOST_BYTES
    assert Settings.model_fields["max_body_bytes"].default <= proxy.MOST_BYTES


def test_compose_sets_only_settings_that_exist() -> None:
    """Production refuses an unknown TOCSIN_ name; better to learn it here than on a night when it has to start."""
    text = (ROOT / "docker-compose.yml").read_text() + (ROOT / "deploy/Dockerfile").read_text()
    for_compose = {"TOCSIN_PUBLISH", "TOCSIN_EXCHANGE"}
    used = set(re.findall(r"\bTOCSIN_[A-Z_]+[A-Z]\b", text)) - for_compose - {"TOCSIN_SERVICE"}
    assert used <= set(names().values())
