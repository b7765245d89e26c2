"""From what a trial names and an installation configures to the ways that are open."""

from __future__ import annotations

from collections.abc import Mapping

from services.sae_notifier.channels.file_drop import FileDrop
from services.sae_notifier.channels.gateway import Gateway
from services.sae_notifier.channels.http_gateway import HttpGateway
from services.sae_notifier.channels.message import Channel
from services.sae_notifier.channels.smtp_gateway import SmtpGateway
from shared.endpoints import Endpoint
from shared.trial import Transport, Trial


def way(transport: Transport, endpoint: Endpoint, mail: Channel) -> Gateway:
    match transport.kind:
        case "file_drop":
            return FileDrop(endpoint.address, endpoint.answers)
        case "http_gateway":
            return HttpGateway(endpoint.address, endpoint.answers, endpoint.token.get_secret_value())
        case "smtp":
            return SmtpGateway(mail, endpoint.address, endpoint.answers)


def ways(trial: Trial, endpoints: Mapping[str, Endpoint], mail: Channel) -> dict[str, Gateway]:
    """By endpoint name: one that nobody configured is not there, and reports that would take it are refused."""
    named = {one.transport.endpoint: one.transport for one in trial.recipients if one.transport is not None}
    return {name: way(one, endpoints[name], mail) for name, one in named.items() if name in endpoints}
