"""`tocsin demo`: one serious case told step by step against the running instance, by its users and through its API."""

from services.demo.telling import tell

__all__ = ["tell"]
