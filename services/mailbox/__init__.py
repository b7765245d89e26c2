"""The demonstration's mailbox: takes every mail that Tocsin sends, passes none on, and shows them at `/mailbox`.

Only in embedded mode, only with demonstration users, and only when no mail server was named.
"""

from services.mailbox.catcher import Mailbox, wanted
from services.mailbox.pages import routes

__all__ = ["Mailbox", "routes", "wanted"]
