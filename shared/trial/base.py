"""The base of everything in a trial file: frozen, closed to unknown keys, bilingual, zoned."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Generic, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_ZONES = available_timezones()


class Spec(BaseModel):
    """A part of a trial file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Bilingual(Spec):
    """Words for people, in both languages of the house."""

    en: str = Field(min_length=1)
    vi: str = Field(min_length=1)

    def text(self, language: str) -> str:
        """Vietnamese for `vi` and its regional forms, English for everything else."""
        return self.vi if language.split("-")[0].lower() == "vi" else self.en


def _known_zone(zone: str) -> str:
    if zone not in _ZONES:
        raise ValueError(f"unknown time zone {zone[:60]!r}; use an IANA name such as Asia/Ho_Chi_Minh")
    return zone


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", text):
        raise ValueError(f"{text[:70]!r} is not an identifier; use letters, digits, '-', '_' and '.', no spaces")
    return text


def _file_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*\.yaml", text):
        raise ValueError(f"{text[:70]!r} is not a file name; write only the name, such as vn.yaml, without a folder")
    return text


def _decimal(text: str) -> str:
    try:
        finite = Decimal(text).is_finite()
    except InvalidOperation:
        finite = False
    if not finite:
        raise ValueError(f"{text[:40]!r} is not a decimal number; write it like 0.968275")
    return text


Zone = Annotated[str, AfterValidator(_known_zone)]
Identifier = Annotated[str, AfterValidator(_identifier)]
FileName = Annotated[str, AfterValidator(_file_name)]
DecimalText = Annotated[str, AfterValidator(_decimal)]
"""A decimal kept as it was written: 0.10 is not 0.1."""
SettingT = TypeVar("SettingT")


class InDoubt(Spec, Generic[SettingT]):
    """A setting that stands for an open question: its value, the doubt's number, and what would settle it."""

    value: SettingT
    doubt: str = Field(pattern=r"^D\d+$")
    why: Bilingual
