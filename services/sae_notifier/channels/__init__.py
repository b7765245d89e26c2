"""How a message leaves: one small protocol, two adapters. Handing over is not arriving."""

from services.sae_notifier.channels.mail import MailChannel
from services.sae_notifier.channels.message import Attachment, Channel, HandoverFailed, Message
from services.sae_notifier.channels.webhook import WebhookChannel

__all__ = ["Attachment", "Channel", "HandoverFailed", "MailChannel", "Message", "WebhookChannel"]
