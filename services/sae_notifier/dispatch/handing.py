"""One message over one channel: taken, or why not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from services.sae_notifier.channels import Channel, HandoverFailed, Message
from shared import metrics


async def hand_over(channels: Mapping[str, Channel], kind: str, message: Message) -> str | None:
    """None when it was taken, else why not. An unknown channel or no address is a failure, never "delivered"."""
    channel = channels.get(kind)
    error: str | None = None
    if channel is None:
        error = f"no {kind} channel is configured"
    elif not message.to:
        error = "there is no address"
    else:
        try:
            async with asyncio.timeout(12.0):
                await channel.hand_over(message)
        except HandoverFailed as failed:
            error = str(failed)
        except TimeoutError:
            error = f"{kind}: no answer in time"
    metrics.DELIVERIES.labels(service="sae_notifier", channel=kind, outcome="failed" if error else "taken").inc()
    return error
