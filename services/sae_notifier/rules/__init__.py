"""The clock engine: rule files and calendars in, duties and alarms out. Pure: no I/O, no clock of its own."""

from services.sae_notifier.rules.alarm import THRESHOLDS, Alarm, Threshold, alarms, next_alarm_at
from services.sae_notifier.rules.calendar import Calendar
from services.sae_notifier.rules.calendar_file import load_calendar
from services.sae_notifier.rules.deadline import Due, legal_due, strict_due
from services.sae_notifier.rules.duty import Duty, obligation_id
from services.sae_notifier.rules.evaluate import evaluate
from services.sae_notifier.rules.history import AssessmentView, Held, History, Told, is_stale, known_versions
from services.sae_notifier.rules.holiday_table import read_table, table_text
from services.sae_notifier.rules.lines import FileRefused
from services.sae_notifier.rules.preview import Change, Preview, change
from services.sae_notifier.rules.rule import Deadline, Rule
from services.sae_notifier.rules.rule_file import RuleFile, load_rules
from services.sae_notifier.rules.rulebook import Rulebook
from services.sae_notifier.rules.significant import Statable
from services.sae_notifier.rules.trial_facts import Recipient, TrialFacts
from services.sae_notifier.rules.trial_part import SitePart, TrialPart, read_trial_part
from services.sae_notifier.rules.vocabulary import QUESTIONS
from services.sae_notifier.rules.words import Why, Words

__all__ = [
    "QUESTIONS",
    "THRESHOLDS",
    "Alarm",
    "AssessmentView",
    "Calendar",
    "Change",
    "Deadline",
    "Due",
    "Duty",
    "FileRefused",
    "Held",
    "History",
    "Preview",
    "Recipient",
    "Rule",
    "RuleFile",
    "Rulebook",
    "SitePart",
    "Statable",
    "Threshold",
    "Told",
    "TrialFacts",
    "TrialPart",
    "Why",
    "Words",
    "alarms",
    "change",
    "evaluate",
    "is_stale",
    "known_versions",
    "legal_due",
    "load_calendar",
    "load_rules",
    "next_alarm_at",
    "obligation_id",
    "read_table",
    "read_trial_part",
    "strict_due",
    "table_text",
]
