"""The coded answers of the published language, in words."""

from __future__ import annotations

from services.sae_notifier.forms.words import Words

ANSWER = {
    "yes": Words("Có", "Yes"),
    "no": Words("Không", "No"),
    "unknown": Words("Chưa rõ hoặc chưa trả lời", "Unknown or not answered"),
}
SERIOUSNESS = {
    "death": Words("Tử vong", "Death"),
    "life_threatening": Words("Đe dọa tính mạng", "Life-threatening"),
    "hospitalisation": Words("Nhập viện hoặc kéo dài thời gian nằm viện", "Hospitalisation or prolonged stay"),
    "disability": Words("Tàn tật vĩnh viễn hoặc nặng nề", "Permanent or severe disability"),
    "congenital_anomaly": Words("Dị tật bẩm sinh", "Congenital anomaly"),
    "medically_important": Words(
        "Cần can thiệp y khoa để ngăn một trong các tình trạng trên, hoặc được nghiên cứu viên (chính) đánh giá là có ý nghĩa về mặt y khoa",
        "Needs medical intervention to prevent one of these, or judged medically significant by the (principal) investigator",
    ),
}
SHORT_SERIOUSNESS = SERIOUSNESS | {
    "hospitalisation": Words("Nhập viện hoặc kéo dài nằm viện", "Hospitalisation or prolonged stay"),
    "medically_important": Words("Có ý nghĩa về mặt y khoa", "Medically important"),
}
EFFECTIVE = SHORT_SERIOUSNESS | {
    "fatal_outcome": Words("kết cục tử vong", "fatal outcome"),
    "grade_5": Words("độ 5", "grade 5"),
    "unplanned_admission": Words("nhập viện ngoài kế hoạch", "unplanned admission"),
    "prolonged_admission": Words("kéo dài nằm viện", "prolonged admission"),
    "unanswered": Words("còn câu hỏi chưa trả lời", "a question is unanswered"),
}
OUTCOME = {
    "recovered": Words("Hồi phục không di chứng", "Recovered without sequelae"),
    "recovered_with_sequelae": Words("Hồi phục có di chứng", "Recovered with sequelae"),
    "recovering": Words("Đang hồi phục", "Recovering"),
    "not_recovered": Words("Chưa hồi phục", "Not recovered"),
    "fatal": Words("Tử vong", "Fatal"),
    "unknown": Words("Không rõ", "Unknown"),
}
ADMISSION = {
    "none": Words("Không nhập viện", "None"),
    "planned": Words("Theo kế hoạch", "Planned"),
    "unplanned": Words("Ngoài kế hoạch", "Unplanned"),
    "unknown": ANSWER["unknown"],
}
ROLE = {
    "clinician": Words("Bác sĩ / nhân viên y tế", "Clinician"),
    "investigator": Words("Nghiên cứu viên", "Investigator"),
    "technician": Words("Kỹ thuật viên", "Technician"),
    "caregiver_through_site": Words("Người chăm sóc, thông qua điểm nghiên cứu", "Caregiver, through the site"),
    "other": Words("Khác", "Other"),
}
SOURCE = {
    "phone_page": Words("Trang báo cáo trên điện thoại", "Phone page"),
    "api": Words("Hệ thống khác gửi (API)", "Sent by a system (API)"),
    "amendment_page": Words("Trang bổ sung", "Amendment page"),
    "import": Words("Nhập từ tệp", "Imported file"),
}
KIND = {
    "bm_mnc_infusion": Words(
        "Truyền tế bào đơn nhân tủy xương tự thân", "Autologous bone-marrow mononuclear cell infusion"
    ),
    "lumbar_puncture": Words("Chọc dò tủy sống", "Lumbar puncture"),
    "bone_marrow_harvest": Words("Lấy tủy xương", "Bone-marrow harvest"),
    "sedation": Words("An thần", "Sedation"),
    "anaesthetic_agent": Words("Thuốc gây mê", "Anaesthetic agent"),
    "piracetam": Words("Piracetam", "Piracetam"),
    "muscle_relaxant": Words("Thuốc giãn cơ", "Muscle relaxant"),
    "botulinum_toxin": Words("Độc tố botulinum", "Botulinum toxin"),
    "antiepileptic": Words("Thuốc chống động kinh", "Antiepileptic"),
    "opioid": Words("Opioid", "Opioid"),
    "antibiotic": Words("Kháng sinh", "Antibiotic"),
    "vitamin": Words("Vitamin", "Vitamin"),
    "rehabilitation": Words("Phục hồi chức năng", "Rehabilitation"),
    "planned_stay": Words("Đợt nằm viện theo kế hoạch", "Planned stay"),
    "other": Words("Khác", "Other"),
}
ACTION = {
    "withdrawn": Words("Ngừng dùng", "Withdrawn"),
    "reduced": Words("Giảm liều", "Dose reduced"),
    "increased": Words("Tăng liều", "Dose increased"),
    "unchanged": Words("Không thay đổi", "Unchanged"),
    "unknown": ANSWER["unknown"],
    "not_applicable": Words("Không áp dụng", "Not applicable"),
}
SEX = {"female": Words("Nữ", "Female"), "male": Words("Nam", "Male"), "unknown": ANSWER["unknown"]}
STERILITY = {
    "pending": Words("Đang chờ kết quả", "Result pending"),
    "negative": Words("Âm tính", "Negative"),
    "positive": Words("DƯƠNG TÍNH", "POSITIVE"),
    "unknown": ANSWER["unknown"],
}
WHO_UMC = {
    "certain": Words("Chắc chắn", "Certain"),
    "probable": Words("Có khả năng (probable)", "Probable"),
    "possible": Words("Có thể (possible)", "Possible"),
    "unlikely": Words("Không chắc có (unlikely)", "Unlikely"),
    "conditional": Words("Chưa phân loại được, chờ thêm dữ liệu", "Conditional"),
    "unassessable": Words("Không thể phân loại", "Unassessable"),
}
SETTING = {
    "centre": Words("tại trung tâm", "at a centre"),
    "home": Words("tại nhà", "at home"),
    "unknown": Words("chưa rõ nơi tập", "place unknown"),
}
DELIVERER = {
    "technician": Words("kỹ thuật viên", "technician"),
    "family": Words("gia đình", "family"),
    "both": Words("kỹ thuật viên và gia đình", "technician and family"),
    "unknown": Words("chưa rõ người tập", "deliverer unknown"),
}
DESIGN = {
    "open": Words("Mở", "Open"),
    "single_blind": Words("Mù đơn", "Single-blind"),
    "double_blind": Words("Mù đôi", "Double-blind"),
}
STATE = {
    "open": Words("chưa gửi", "open"),
    "filed": Words("đã gửi, chưa biết đã nhận", "sent, not yet known to have arrived"),
    "received": Words("nơi nhận đã nhận", "received"),
    "rejected": Words("bị trả lại, hạn ban đầu giữ nguyên", "rejected, the original due date stands"),
    "ended": Words("đã kết thúc", "ended"),
}
NAMES = {
    "case_id": Words("Mã ca", "Case id"),
    "case_number": Words("Số ca", "Case number"),
    "trial_id": Words("Thử nghiệm", "Trial"),
    "site_id": Words("Điểm nghiên cứu", "Site"),
    "subject_id": Words("Mã đối tượng", "Subject code"),
    "reporter_role": Words("Vai trò người báo cáo", "Reporter role"),
    "events": Words("Biến cố", "Event"),
    "given": Words("Đã dùng trước đó", "Given before"),
    "site_aware": Words("Thời điểm điểm nghiên cứu biết", "Site became aware"),
    "desk_aware": Words("Thời điểm bộ phận an toàn biết", "Safety desk became aware"),
    "determined_reportable": Words("Thời điểm xác định phải báo cáo", "Determined reportable"),
    "nullified": Words("Hủy ca", "Nullification"),
    "reason": Words("lý do", "reason"),
    "replaced_by": Words("thay bằng ca", "replaced by"),
    "event_id": Words("mã biến cố", "event id"),
    "episode_id": Words("đợt bệnh", "episode"),
    "verbatim": Words("tên biến cố như được báo", "event as reported"),
    "term": Words("thuật ngữ mã hóa", "coded term"),
    "onset": Words("khởi phát", "onset"),
    "end": Words("kết thúc", "end"),
    "ongoing": Words("đang tiếp diễn", "ongoing"),
    "grades": Words("mức độ", "grades"),
    "seriousness": Words("nghiêm trọng", "seriousness"),
    "outcome": Words("kết cục", "outcome"),
    "admission": Words("nhập viện", "admission"),
    "admission_prolonged": Words("kéo dài nằm viện", "stay prolonged"),
    "medication_error": Words("sai sót dùng thuốc", "medication error"),
    "overdose": Words("quá liều", "overdose"),
    "opinions": Words("ý kiến nghiên cứu viên", "investigator's opinion"),
    "description": Words("diễn biến", "description"),
    "exposure_id": Words("lần dùng", "exposure"),
    "kind": Words("loại", "kind"),
    "related": Words("liên quan", "related"),
    "answer": Words("câu trả lời", "answer"),
    "kinds": Words("loại", "kinds"),
    "text": Words("mô tả", "text"),
} | SHORT_SERIOUSNESS
"""Names of the fields of a case, for the section that says what changed."""
CODES = {"reporter_role": ROLE, "outcome": OUTCOME, "admission": ADMISSION, "kind": KIND, "kinds": KIND}
"""The vocabulary of each coded field; every other answer is yes, no or unknown."""
TESTS = {
    "body_temperature": Words("Thân nhiệt", "Body temperature"),
    "haemoglobin": Words("Hemoglobin", "Haemoglobin"),
    "platelets": Words("Tiểu cầu", "Platelets"),
    "neutrophils": Words("Bạch cầu trung tính", "Neutrophils"),
    "leukocytes": Words("Bạch cầu", "Leukocytes"),
    "alt": Words("ALT", "ALT"),
    "ast": Words("AST", "AST"),
    "crp": Words("CRP", "CRP"),
    "body_weight": Words("Cân nặng", "Body weight"),
    "body_height": Words("Chiều cao", "Body height"),
    "gmfm88": Words("GMFM-88", "GMFM-88"),
}
"""Other test codes are shown as they are."""
