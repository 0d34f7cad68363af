"""SMTP: an email as a MIME message, and what a mail server's answers mean."""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import ClassVar

from sojourn.delivery.messages import Accepted, Email, MailRequest, MailResponse, Outcome, Refused, Retry

# Not every server takes 8-bit lines; quoted-printable and base64 pass everywhere.
_POLICY = SMTP.clone(cte_type="7bit")
_QUEUED_AS = re.compile(r"queued as (\S+)|\bid=(\S+)", re.IGNORECASE)


class SmtpProvider:
    """Speak to a mail server. Does no I/O."""

    name: ClassVar[str] = "smtp"

    def request(self, message: Email) -> MailRequest:
        """Write the mail. The Message-ID is the same in every attempt."""
        return MailRequest(
            sender=wire_address(message.from_email),
            recipients=tuple(wire_address(address) for address in (message.to, *message.bcc)),
            content=_mime(message).as_bytes(),
            is_urgent=message.is_urgent,
        )

    def outcome(self, response: MailResponse) -> Outcome:
        """5xx is for ever, everything else but success is for now."""
        if 200 <= response.code < 300:
            queued_as = _QUEUED_AS.search(response.text)
            return Accepted(ref=(queued_as[1] or queued_as[2]) if queued_as else "")
        detail = f"{response.code} {response.text}"
        return Refused(detail=detail) if response.code >= 500 else Retry(detail=detail)


def wire_address(address: str) -> str:
    """Return an address with its domain in ASCII.

    >>> wire_address("ada@bücher.example")
    'ada@xn--bcher-kva.example'
    """
    local, _, domain = address.rpartition("@")
    return address if domain.isascii() else f"{local}@{domain.encode('idna').decode()}"


def _mime(message: Email) -> EmailMessage:
    mail = EmailMessage(policy=_POLICY)
    mail["Message-ID"] = f"<{message.key}@{wire_address(message.from_email).rpartition('@')[2]}>"
    mail["Date"] = format_datetime(message.at)
    mail["From"] = Address(message.from_name, addr_spec=wire_address(message.from_email))
    mail["To"] = Address(addr_spec=wire_address(message.to))
    if message.reply_to:
        mail["Reply-To"] = Address(addr_spec=wire_address(message.reply_to))
    mail["Subject"] = message.subject
    if message.text:
        mail.set_content(message.text)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
    else:
        mail.set_content(message.html, subtype="html")
    return mail
