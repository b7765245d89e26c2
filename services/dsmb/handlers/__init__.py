"""Verbs of dsmb: watch the stopping rules, freeze a cut, check one, tell the arms' letters."""

from services.dsmb.handlers.checking import Checked, check_cut
from services.dsmb.handlers.dsmb import Dsmb
from services.dsmb.handlers.freezing import freeze
from services.dsmb.handlers.telling import tell_coding
from services.dsmb.handlers.watching import on_change, reconsider, standings, watch_anew

__all__ = [
    "Checked",
    "Dsmb",
    "check_cut",
    "freeze",
    "on_change",
    "reconsider",
    "standings",
    "tell_coding",
    "watch_anew",
]
