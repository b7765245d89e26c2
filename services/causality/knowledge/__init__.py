"""What is known of exposure and event: onset windows and common other causes, each with its evidence and source.

`windows.csv`: kind, agent (empty: any; else words of its name), CTCAE codes, hours from the anchor, evidence `read` (a source was
read), `mixed`, or `memory` (a doubt: it may support a proposal and never rules one out), `specific` when the term by itself names
the procedure. `background.csv`: events that the disease or a childhood illness commonly explains. `sources.csv`: the notes.
Anchors: `end` of the procedure or course, `start` of the drug or of this dose, `dose` (each dose; its times are not recorded
while a course runs), `stop` (a withdrawal effect).
"""

from services.causality.knowledge.background import OtherCause, other_causes
from services.causality.knowledge.windows import Anchor, Window, note, windows

__all__ = ["Anchor", "OtherCause", "Window", "note", "other_causes", "windows"]
