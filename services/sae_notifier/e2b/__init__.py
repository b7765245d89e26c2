"""E2B(R3): a case becomes a report an authority's computer can read, is judged by schema and rules, and its answer is read.

`prepare` is the way out (write, validate, read back, compare); `validate` judges any file; `read_ack` reads an answer.
Pure but for the schemas, which `validate` reads from a directory. Elements, paths and codes: `data/elements.tsv`.
"""

from services.sae_notifier.e2b.ack import Ack, AckReport, elements_in, read_ack
from services.sae_notifier.e2b.block import Block, Cell
from services.sae_notifier.e2b.compare import Difference, compare
from services.sae_notifier.e2b.doubts import Doubts
from services.sae_notifier.e2b.draft.whole import Draft, draft
from services.sae_notifier.e2b.facts import Facts, Registration, Sender, Source, Study
from services.sae_notifier.e2b.finding import Finding, has_errors
from services.sae_notifier.e2b.match import Match, Sent, match, numbers_in
from services.sae_notifier.e2b.message import Amendment, Message
from services.sae_notifier.e2b.read import ReadBack, read
from services.sae_notifier.e2b.safe import Limits, XmlRefused
from services.sae_notifier.e2b.schema import SchemasMissing, installed
from services.sae_notifier.e2b.table import PROFILES, Profile
from services.sae_notifier.e2b.validate import as_profile, judge, validate
from services.sae_notifier.e2b.write import Prepared, prepare, write

__all__ = [
    "PROFILES",
    "Ack",
    "AckReport",
    "Amendment",
    "Block",
    "Cell",
    "Difference",
    "Doubts",
    "Draft",
    "Facts",
    "Finding",
    "Limits",
    "Match",
    "Message",
    "Prepared",
    "Profile",
    "ReadBack",
    "Registration",
    "SchemasMissing",
    "Sender",
    "Sent",
    "Source",
    "Study",
    "XmlRefused",
    "as_profile",
    "compare",
    "draft",
    "elements_in",
    "has_errors",
    "installed",
    "judge",
    "match",
    "numbers_in",
    "prepare",
    "read",
    "read_ack",
    "validate",
    "write",
]
