"""Why a field is empty, in both languages: nobody should have to guess whether "no" or "not asked" was meant."""

from __future__ import annotations

from services.sae_notifier.forms.words import Words

NOT_ASKED = Words("Chưa hỏi", "Not asked yet")
NOT_STATED = Words("Báo cáo nhận được không nêu", "Not stated in the report received")
DONT_KNOW = Words("Người báo cáo trả lời: không biết", "Reporter answered: don't know")
UNKNOWN = Words("Chưa rõ hoặc chưa trả lời", "Unknown or not answered")
WITHHELD = Words(
    "Không ghi theo thiết kế: hệ thống không lưu tên hay chữ viết tắt tên; chỉ dùng mã số",
    "Withheld by design: names and initials are never stored; the code alone identifies the subject",
)
REDACTED = Words("Đã xóa vì có thông tin nhận dạng", "Removed because it held identifying information")
NO_SUBJECT = Words("Chưa có hồ sơ đối tượng với mã này", "No subject record exists for this code yet")
NO_EVENT = Words("Báo cáo chưa mô tả biến cố nào", "The report describes no event yet")
NO_EXPOSURE = Words(
    "Chưa ghi nhận lần dùng nào; chưa có thông tin thì coi như đã phơi nhiễm",
    "No exposure recorded yet; missing exposure counts as exposed",
)
NONE_RECORDED = Words("Chưa ghi nhận trong hồ sơ", "None recorded so far")
NO_BATCH = Words("Chưa liên kết với lô tế bào nào", "No cell batch linked yet")
NO_ASSESSMENT = Words("Chưa có bản đánh giá nào", "No assessment made yet")
NOT_SIGNED = Words("Chưa có bản đánh giá được ký", "No assessment signed")
NOT_IN_TRIAL = Words("Hồ sơ thử nghiệm không nêu", "Not stated in the trial file")
NOT_COLLECTED = Words("Hệ thống không thu thập mục này", "Not collected by this system")
NOT_APPLICABLE = Words("Không áp dụng", "Not applicable")
OPEN_LABEL = Words("Không áp dụng: thử nghiệm nhãn mở", "Not applicable: open-label trial")
ONGOING = Words("Đang tiếp diễn", "Ongoing")
BY_HAND = Words("Để trống: hội đồng điền và ký tay", "Left blank: for the committee to complete and sign by hand")
SIGN_BY_HAND = Words("Chưa ký: để trống để ký tay", "Not signed: left blank for a handwritten signature")
NO_DUTY = Words(
    "Chưa lập nghĩa vụ báo cáo cho nơi nhận này", "No reporting duty has been opened for this recipient yet"
)
NOTHING_RECEIVED = Words(
    "Nơi nhận chưa xác nhận đã nhận phiên bản nào trước đây; không có gì để so sánh",
    "No earlier version is known to have been received; there is nothing to compare with",
)
FUTURE = Words(
    "Thời điểm ở tương lai: giữ nguyên như đã ghi, coi như chưa có, đang hỏi lại",
    "Lies in the future: kept as typed, counted as missing, being asked back",
)
NO_UNIT = Words("không ghi đơn vị", "unit not given")
SERIOUS_UNTIL_ANSWERED = Words("chưa trả lời: tính là nghiêm trọng", "unanswered: counts as serious")
