"""The services of Tocsin; each owns its data and its pages, and they meet only on the log."""

SERVICES = ("ae_intake", "causality", "sae_notifier", "dsmb")
"""As they are started; each has a folder here."""
