"""Sentences in both languages of the desk, kept side by side so that neither is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shared.case import ExposureKind


@dataclass(frozen=True)
class Words:
    """The same statement in English and Vietnamese."""

    en: str
    vi: str

    def __add__(self, other: Words) -> Words:
        return Words(" ".join(filter(None, (self.en, other.en))), " ".join(filter(None, (self.vi, other.vi))))

    def __bool__(self) -> bool:
        return bool(self.en)


NOTHING = Words("", "")

KINDS: dict[ExposureKind, Words] = {
    "bm_mnc_infusion": Words("BM MNC infusion", "truyền tế bào đơn nhân tủy xương"),
    "lumbar_puncture": Words("lumbar puncture", "chọc dịch não tủy"),
    "bone_marrow_harvest": Words("bone marrow harvest", "lấy tủy xương"),
    "sedation": Words("sedation", "an thần, gây mê"),
    "anaesthetic_agent": Words("anaesthetic agent", "thuốc gây mê"),
    "piracetam": Words("piracetam", "piracetam"),
    "muscle_relaxant": Words("muscle relaxant", "thuốc giãn cơ"),
    "botulinum_toxin": Words("botulinum toxin", "botulinum toxin"),
    "antiepileptic": Words("antiepileptic", "thuốc chống động kinh"),
    "opioid": Words("opioid", "opioid"),
    "antibiotic": Words("antibiotic", "kháng sinh"),
    "vitamin": Words("vitamin", "vitamin"),
    "rehabilitation": Words("rehabilitation course", "đợt phục hồi chức năng"),
    "planned_stay": Words("planned stay", "đợt nằm viện theo kế hoạch"),
    "other": Words("other exposure", "phơi nhiễm khác"),
}


def joined(parts: list[Words]) -> Words:
    """Names in a row: `a, b, c`."""
    return Words(", ".join(p.en for p in parts), ", ".join(p.vi for p in parts))


def number(value: Decimal) -> str:
    """A decimal without exponent and without zeros that say nothing."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
