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


ANSWERS: dict[str, Words] = {
    "yes": Words("yes", "có"),
    "no": Words("no", "không"),
    "unknown": Words("not known", "chưa rõ"),
}
CRITERIA: dict[str, Words] = {
    "death": Words("death", "tử vong"),
    "life_threatening": Words("life-threatening", "đe dọa tính mạng"),
    "hospitalisation": Words("hospitalisation", "nhập viện hoặc kéo dài nằm viện"),
    "disability": Words("disability", "tàn tật"),
    "congenital_anomaly": Words("congenital anomaly", "dị tật bẩm sinh"),
    "medically_important": Words("medically important", "có ý nghĩa y khoa"),
}
OUTCOMES: dict[str, Words] = {
    "recovered": Words("recovered", "đã hồi phục"),
    "recovering": Words("recovering", "đang hồi phục"),
    "not_recovered": Words("not recovered", "chưa hồi phục"),
    "recovered_with_sequelae": Words("recovered with sequelae", "hồi phục có di chứng"),
    "fatal": Words("fatal", "tử vong"),
    "unknown": Words("not known", "chưa rõ"),
}
ACTIONS: dict[str, Words] = {
    "withdrawn": Words("withdrawn", "ngừng thuốc"),
    "reduced": Words("dose reduced", "giảm liều"),
    "increased": Words("dose increased", "tăng liều"),
    "unchanged": Words("unchanged", "giữ nguyên"),
    "unknown": Words("not known", "chưa rõ"),
    "not_applicable": Words("not applicable", "không áp dụng"),
}
ALTERNATIVES: dict[str, Words] = {
    "excluded": Words("nothing else explains it", "không có nguyên nhân nào khác giải thích"),
    "unlikely": Words("another cause is unlikely", "nguyên nhân khác ít khả năng"),
    "possible": Words("another cause could explain it", "nguyên nhân khác cũng có thể giải thích"),
    "shared_clock": Words(
        "what was given in the same hours could explain it", "thứ dùng cùng giờ cũng có thể giải thích"
    ),
    "stronger": Words("another cause explains it better", "nguyên nhân khác giải thích tốt hơn"),
    "unknown": Words("not judged", "chưa đánh giá"),
}
