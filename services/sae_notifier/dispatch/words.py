"""What a call says: a code and a link, nothing about the child."""

from __future__ import annotations

from services.sae_notifier.store import AlertRow

KINDS = {
    "sae": ("Biến cố nghiêm trọng mới", "New serious adverse event"),
    "sae_upgraded": ("Biến cố nay gây tử vong hoặc đe dọa tính mạng", "The event is now fatal or life-threatening"),
    "sterility": ("Cấy vô khuẩn dương tính sau khi xuất lô", "Positive sterility culture after release"),
    "parked": ("Sự kiện nghiêm trọng chưa xử lý được", "A serious event could not be processed"),
    "rejected": ("Báo cáo bị từ chối", "A report was rejected"),
    "filing_failed": ("Không gửi được báo cáo", "A report could not be sent"),
    "dsmb_rule": ("Vượt ngưỡng một quy tắc dừng của hội đồng", "A stopping rule of the safety board was crossed"),
    "alarm": ("Thời hạn báo cáo", "Reporting deadline"),
    "ack_parked": ("Phản hồi không khớp báo cáo nào", "An answer fits no report of ours"),
    "ack_overdue": ("Chưa có phản hồi cho báo cáo đã gửi", "No answer came to a report that was sent"),
}


def alert_words(alert: AlertRow, base_url: str) -> tuple[str, str]:
    """(subject, text) of an alert: a code and a link, nothing about the child."""
    vi, en = KINDS.get(alert.kind, ("Cảnh báo", "Alert"))
    number = alert.case_number or "-"
    when = f" [{alert.threshold}]" if alert.threshold else ""
    text = (
        f"{vi}{when}\n{en}{when}\n\n"
        f"Ca / Case: {number}\n"
        f"{base_url}/alerts/{alert.alert_id}\n\n"
        "Đăng nhập và xác nhận bằng tên của bạn; nếu không ai xác nhận, người trực tiếp theo sẽ được gọi.\n"
        "Sign in and confirm by name; while nobody confirms, the next person on the roster is called.\n"
    )
    return f"[Tocsin] {number}: {vi} / {en}{when}", text
