"""What the form needs to know about the trial, converted from the trial file by whoever renders it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.sae_notifier.forms.words import Words
from shared.case import ExposureKind


@dataclass(frozen=True)
class FormRecipient:
    """An authority or committee the form is addressed to; `zone` is the IANA zone its deadline is read in."""

    recipient_id: str
    name: Words
    zone: str = "Asia/Ho_Chi_Minh"


@dataclass(frozen=True)
class FormTrial:
    """`principal_investigator` is a role, never an invented person; `basis` names the law and form this follows."""

    trial_id: str
    title: Words
    protocol_code: str
    sponsor: Words
    principal_investigator: Words
    site: Words
    zone: str
    """IANA zone of the site: every time on the form is shown in it."""
    recipients: tuple[FormRecipient, ...]
    design: Literal["open", "single_blind", "double_blind"] = "open"
    country: str = ""
    """Of the site, ISO 3166 alpha-2; empty while the site is not known."""
    product: Words | None = None
    """Name and pharmaceutical form of the study product."""
    manufacturer: Words | None = None
    basis: Words | None = None
    investigational: tuple[ExposureKind, ...] = ("bm_mnc_infusion",)
    procedures: tuple[ExposureKind, ...] = ("lumbar_puncture", "bone_marrow_harvest", "sedation", "anaesthetic_agent")
    """What belongs to giving the study product, and stands beside it in sections 3, 4 and 7."""
    illustrative: bool = False
    """True when the reference safety information of the trial file is marked ILLUSTRATIVE."""
