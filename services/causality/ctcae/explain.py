"""Why a grade was given or refused, in words, with the numbers that decided."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from services.causality.words import NOTHING, Words, number

if TYPE_CHECKING:
    from services.causality.ctcae.criteria import Criterion
    from services.causality.ctcae.grade import Baseline, Reading

TESTS: dict[str, Words] = {
    "body_temperature": Words("body temperature", "thân nhiệt"),
    "haemoglobin": Words("haemoglobin", "hemoglobin"),
    "platelets": Words("platelets", "tiểu cầu"),
    "neutrophils": Words("neutrophils", "bạch cầu trung tính"),
    "alt": Words("ALT", "ALT"),
    "ast": Words("AST", "AST"),
}
_MISSING: dict[str, Words] = {
    "lower_limit": Words(
        "the laboratory's lower limit for this child", "giới hạn dưới của phòng xét nghiệm cho trẻ này"
    ),
    "upper_limit": Words(
        "the laboratory's upper limit for this child", "giới hạn trên của phòng xét nghiệm cho trẻ này"
    ),
    "baseline": Words("the baseline value in the same unit", "giá trị ban đầu với cùng đơn vị"),
    "lasted_hours": Words("how many hours it stayed above", "số giờ kéo dài trên mức này"),
}


def named(test: str) -> Words:
    return TESTS.get(test, Words(test, test))


def _needs(missing: tuple[str, ...]) -> Words:
    known = [_MISSING.get(name, Words(name, name)) for name in missing]
    return Words(" and ".join(k.en for k in known), " và ".join(k.vi for k in known))


def no_criterion(test: str, version: str) -> Words:
    return Words(
        f"Refused: {test} is not graded by numbers here (CTCAE {version}).",
        f"Không phân độ: {test} không được phân độ bằng số ở đây (CTCAE {version}).",
    )


def no_value(test: str) -> Words:
    name = named(test)
    return Words(f"Refused: no value for {name.en}.", f"Không phân độ: thiếu giá trị {name.vi}.")


def bad_unit(test: str, unit: str | None, accepted: tuple[str, ...]) -> Words:
    name, known = named(test), ", ".join(accepted)
    if not unit:
        return Words(
            f"Refused: {name.en} has no unit; state one of {known} (UCUM).",
            f"Không phân độ: {name.vi} thiếu đơn vị; hãy ghi một trong {known} (UCUM).",
        )
    shown = repr(unit[:20])
    return Words(
        f"Refused: {name.en} in {shown} is not read; state one of {known} (UCUM).",
        f"Không phân độ: không đọc được {name.vi} theo đơn vị {shown}; hãy ghi một trong {known} (UCUM).",
    )


def unit_taken_as_the_limits(unit: str | None) -> Words:
    if not unit:
        return Words(
            "No unit is stated: taken to be that of the laboratory's own limit.",
            "Chưa ghi đơn vị: xem như cùng đơn vị với giới hạn của phòng xét nghiệm.",
        )
    shown = repr(unit[:20])
    return Words(
        f"The unit {shown} is not one we know: taken to be that of the laboratory's own limit.",
        f"Không biết đơn vị {shown}: xem như cùng đơn vị với giới hạn của phòng xét nghiệm.",
    )


def implausible(test: str, value: Decimal, unit: str) -> Words:
    name = named(test)
    return Words(
        f"Refused: {name.en} {number(value)} {unit} cannot be right; check the unit and the decimal point.",
        f"Không phân độ: {name.vi} {number(value)} {unit} không hợp lý; hãy kiểm tra đơn vị và dấu thập phân.",
    )


def refused(reading: Reading, missing: tuple[str, ...], version: str) -> Words:
    need = _needs(missing)
    return _data(reading) + Words(
        f"Refused: CTCAE {version} needs {need.en}.", f"Không phân độ: CTCAE {version} cần {need.vi}."
    )


def higher_needs(missing: tuple[str, ...]) -> Words:
    need = _needs(missing)
    return Words(f"A higher grade is possible: needs {need.en}.", f"Có thể độ cao hơn: cần biết {need.vi}.")


def baseline_assumed_normal() -> Words:
    return Words(
        "No baseline value is known: graded as for a normal baseline.",
        "Không có giá trị ban đầu: phân độ như khi giá trị ban đầu bình thường.",
    )


def baseline_decides(grades: Mapping[str, int | None]) -> Words:
    normal, high = grades.get("normal"), grades.get("high")
    return Words(
        f"Refused: whether the baseline lay above its upper limit is unknown, and it decides "
        f"(normal baseline: {_shown(normal, 'grade', 'not gradable')}; high baseline: "
        f"{_shown(high, 'grade', 'not gradable')}). State the baseline's upper limit.",
        f"Không phân độ: chưa biết giá trị ban đầu có vượt giới hạn trên không, mà điều đó quyết định "
        f"(bình thường: {_shown(normal, 'độ', 'không phân độ được')}; cao: "
        f"{_shown(high, 'độ', 'không phân độ được')}). Hãy ghi giới hạn trên của giá trị ban đầu.",
    )


def _shown(grade: int | None, word: str, refused_word: str) -> str:
    return refused_word if grade is None else f"{word} {grade}"


def _data(reading: Reading) -> Words:
    """The numbers used, first in every explanation."""
    assert reading.value is not None
    name, unit = named(reading.test), f" {reading.unit}" if reading.unit else ""
    data_en, data_vi = f"{name.en} {number(reading.value)}{unit}", f"{name.vi} {number(reading.value)}{unit}"
    for limit, en, vi in (
        (reading.lower_limit, "lower limit", "giới hạn dưới"),
        (reading.upper_limit, "upper limit", "giới hạn trên"),
    ):
        if limit is not None:
            data_en, data_vi = f"{data_en}, {en} {number(limit)}", f"{data_vi}, {vi} {number(limit)}"
    return Words(f"{data_en}.", f"{data_vi}.")


def verdict(reading: Reading, grade: int, row: Criterion | None, baseline: Baseline | None, version: str) -> Words:
    if row is None:
        return _data(reading) + Words(f"Below grade 1 by CTCAE {version}.", f"Dưới độ 1 theo CTCAE {version}.")
    limit = number(row.limit)
    times = "" if row.limit == 1 else f"{limit} × "
    sign = {"<": Words("below", "dưới"), ">": Words("above", "trên"), ">=": Words("at or above", "bằng hoặc trên")}
    match row.reference:
        case "value":
            against = Words(f"{limit} {row.unit}", f"{limit} {row.unit}")
        case "lower_limit":
            against = Words("the lower limit", "giới hạn dưới")
        case "upper_limit":
            against = Words(f"{times}the upper limit", f"{times}giới hạn trên")
        case _:
            value = number(baseline.value) if baseline is not None and baseline.value is not None else "?"
            against = Words(f"{times}the high baseline of {value}", f"{times}giá trị ban đầu cao {value}")
    lasted = NOTHING
    if row.lasted_over_hours is not None and reading.lasted_hours is not None:
        hours = number(reading.lasted_hours)
        lasted = Words(f" for {hours} h", f" trong {hours} giờ")
    chosen = sign[row.operator]
    return _data(reading) + Words(
        f"{chosen.en.capitalize()} {against.en}{lasted.en}: at least grade {grade} by CTCAE {version}.",
        f"{chosen.vi.capitalize()} {against.vi}{lasted.vi}: ít nhất độ {grade} theo CTCAE {version}.",
    )


def cautions(reading: Reading, grade: int, row: Criterion | None, baseline: Baseline | None) -> Words:
    """What a reader must know beside the number."""
    said = NOTHING
    if reading.test == "body_temperature":
        if reading.body_site is None:
            said += Words("The body site is not stated.", "Chưa ghi vị trí đo.")
        elif reading.body_site.casefold().startswith(("axil", "nách", "armpit")):
            said += Words("Axillary, never converted.", "Đo ở nách, không quy đổi.")
    if grade and row is not None and row.operator == "<" and row.reference == "value" and _within(reading):
        said += Words(
            "The value lies inside the laboratory's own range: the medical monitor decides.",
            "Giá trị nằm trong khoảng tham chiếu của phòng xét nghiệm: giám sát y khoa quyết định.",
        )
    if row is not None and row.version == "6.0" and row.grade == 3 and row.reference == "baseline":
        said += Words(
            "CTCAE 6.0 limits this row to a baseline up to 5 × the upper limit and can be read in two ways: "
            "ask the medical monitor.",
            "CTCAE 6.0 giới hạn mức này ở giá trị ban đầu đến 5 × giới hạn trên và có hai cách hiểu: "
            "hãy hỏi giám sát y khoa.",
        )
    return said


def _within(reading: Reading) -> bool:
    return reading.value is not None and reading.lower_limit is not None and reading.value >= reading.lower_limit
