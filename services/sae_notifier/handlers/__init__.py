"""Verbs of sae_notifier: `(notifier, tx, command, now) -> outcome`; each is called inside one transaction."""

from services.sae_notifier.handlers.notifier import Notifier

__all__ = ["Notifier"]
