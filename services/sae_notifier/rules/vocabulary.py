"""The facts a trigger may name, with their words. A name that is not here (or a setting of the file) is refused."""

from __future__ import annotations

from services.sae_notifier.rules.words import Words

FactValue = bool | None | str | frozenset[str]
"""Yes, no, not answered (`None`), a text, or a set of texts."""

QUESTIONS: dict[str, Words] = {
    "serious": Words("serious", "nghiêm trọng"),
    "fatal_lt": Words("fatal or life-threatening", "tử vong hoặc đe dọa tính mạng"),
    "death": Words("results in death", "gây tử vong"),
    "life_threatening": Words("life-threatening", "đe dọa tính mạng"),
    "hospitalisation": Words("admission or prolonged stay", "nhập viện hoặc kéo dài nằm viện"),
    "disability": Words("disability", "tàn tật"),
    "congenital_anomaly": Words("congenital anomaly", "dị tật bẩm sinh"),
    "medically_important": Words("medically important", "có ý nghĩa y khoa"),
    "rel_inv": Words("related, says the investigator", "có liên quan theo nghiên cứu viên"),
    "rel_spo": Words("related, says the sponsor", "có liên quan theo nhà tài trợ"),
    "related": Words("related (investigator or sponsor)", "có liên quan (nghiên cứu viên hoặc nhà tài trợ)"),
    "to_ip": Words("related to the product or its administration", "liên quan đến sản phẩm hoặc cách đưa sản phẩm vào"),
    "unexp": Words(
        "unexpected against the reference safety information", "ngoài dự kiến so với thông tin an toàn tham chiếu"
    ),
    "exposed": Words("product given before onset", "đã dùng sản phẩm trước khi khởi phát"),
    "exempt": Words("exempted by the approved protocol", "được đề cương đã duyệt miễn báo cáo nhanh"),
    "min_criteria": Words("minimum criteria complete", "đủ tiêu chí tối thiểu"),
    "medication_error": Words("medication error", "sai sót dùng thuốc"),
    "overdose": Words("overdose", "quá liều"),
    "ind": Words("trial under a US IND", "thử nghiệm theo IND Hoa Kỳ"),
    "ide": Words("trial under a US IDE", "thử nghiệm theo IDE Hoa Kỳ"),
    "blinded": Words("blinded trial", "thử nghiệm làm mù"),
    "same_substance_in_eu": Words("same substance in an EU trial", "cùng hoạt chất trong thử nghiệm tại EU"),
}
"""Answered yes, no or not at all; not answered counts as reportable (the safe reading)."""

TEXTS: dict[str, Words] = {
    "site_country": Words("country of the site", "quốc gia của điểm nghiên cứu"),
    "rel_to": Words("related to what", "liên quan đến"),
    "occasion": Words("occasion", "sự việc"),
}
SETS: dict[str, Words] = {
    "countries_with_site": Words("countries with a site", "các quốc gia có điểm nghiên cứu"),
}


def describe(name: str, value: FactValue) -> Words:
    """One fact and its value in words; a setting is described by its own name."""
    label = QUESTIONS.get(name) or TEXTS.get(name) or SETS.get(name) or Words(name, name)
    if value is True:
        return Words(f"{label.en}: yes", f"{label.vi}: có")
    if value is False:
        return Words(f"{label.en}: no", f"{label.vi}: không")
    if value is None:
        return Words(f"{label.en}: not answered, so it counts", f"{label.vi}: chưa trả lời, nên vẫn tính")
    text = value if isinstance(value, str) else ", ".join(sorted(value))
    return Words(f"{label.en}: {text}", f"{label.vi}: {text}")
