"""The tables of the board's reports: pure functions of a cut's rows. The same rows in any order make the same cells."""

from services.dsmb.tables.closed import PROGRAM, closed_tables, columns_of
from services.dsmb.tables.opened import open_tables, withheld_because

__all__ = ["PROGRAM", "closed_tables", "columns_of", "open_tables", "withheld_because"]
