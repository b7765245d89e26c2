"""Reports for people: one shape for page and paper, in both languages, and the PDF/A made of it."""

from services.dsmb.print.paper import typeset
from services.dsmb.print.shown import ReportShown, TableShown, shown
from services.dsmb.print.words import LANGUAGES

__all__ = ["LANGUAGES", "ReportShown", "TableShown", "shown", "typeset"]
