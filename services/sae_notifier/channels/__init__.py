"""How a message leaves: one small protocol for words to people, one for files to computers. Handing over is not arriving."""

from services.sae_notifier.channels.file_drop import FileDrop
from services.sae_notifier.channels.gateway import Gateway, Handed, Parcel, Waiting
from services.sae_notifier.channels.http_gateway import HttpGateway
from services.sae_notifier.channels.mail import MailChannel
from services.sae_notifier.channels.message import Attachment, Channel, HandoverFailed, Message
from services.sae_notifier.channels.smtp_gateway import SmtpGateway
from services.sae_notifier.channels.ways import ways
from services.sae_notifier.channels.webhook import WebhookChannel

__all__ = [
    "Attachment",
    "Channel",
    "FileDrop",
    "Gateway",
    "Handed",
    "HandoverFailed",
    "HttpGateway",
    "MailChannel",
    "Message",
    "Parcel",
    "SmtpGateway",
    "Waiting",
    "WebhookChannel",
    "ways",
]
