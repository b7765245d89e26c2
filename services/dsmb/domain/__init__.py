"""From the documents of a cut to the rows that tables count: pure, no clock, no database."""

from services.dsmb.domain.child import Child, Document, children
from services.dsmb.domain.coding import code_arms, coding_again
from services.dsmb.domain.dataset import Dataset, dataset
from services.dsmb.domain.manifest import Entry, Manifest
from services.dsmb.domain.plan import Plan
from services.dsmb.domain.watch import Watched, watch

__all__ = [
    "Child",
    "Dataset",
    "Document",
    "Entry",
    "Manifest",
    "Plan",
    "Watched",
    "children",
    "code_arms",
    "coding_again",
    "dataset",
    "watch",
]
