"""A mail for each notice, in plain text, with the pictures that are there."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

from runtime.config.sinks import EmailSettings
from runtime.events.notice import Notice
from runtime.sinks.sink import Context, Refused, Sink, Unavailable
from runtime.sinks.wording import subject, text

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
# Servers take 10 MB at least, and a third is added when it is encoded.
_MOST_BYTES = 5_000_000
# Codes of SMTP from here on mean: never.
_PERMANENT = 500


class EmailSink(Sink):
    """Each notice is a connection of its own: there are few, and servers hang up on who says nothing.

    Raises OSError, ssl.SSLError for a certificate that cannot be read.
    """

    pictures_within_s = 3.0

    def __init__(self, settings: EmailSettings, context: Context) -> None:
        self._settings = settings
        self._tls = None if settings.security == "none" else ssl.create_default_context(cafile=settings.ca_file)

    def deliver(self, notice: Notice, pictures: Sequence[Path]) -> None:
        message = mail(self._settings.sender, self._settings.to, notice, pictures)
        try:
            with self._connect() as server:
                self._log_in(server)
                refused = server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            later = any(code < _PERMANENT for code, _ in error.recipients.values())
            raise (Unavailable if later else Refused)(_who(error.recipients)) from error
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            kind = Refused if error.smtp_code >= _PERMANENT else Unavailable
            raise kind(f"{self._settings.host}: {error.smtp_code} {_words(error.smtp_error)}") from error
        except (OSError, smtplib.SMTPException) as error:
            # Also a wrong password: that is mended in the configuration, and the notice cannot help it.
            raise Unavailable(f"{self._settings.host}: {_words(error)}") from error
        if refused:
            # However they were refused: with another attempt the others would get it once more.
            raise Refused(_who(refused))

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        port = settings.port or _PORTS[settings.security]
        if settings.security == "tls":
            return smtplib.SMTP_SSL(settings.host, port, timeout=settings.timeout, context=self._tls)
        server = smtplib.SMTP(settings.host, port, timeout=settings.timeout)
        if self._tls is not None:
            try:
                server.starttls(context=self._tls)
            except BaseException:
                server.close()
                raise
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        if self._settings.user is not None and self._settings.password is not None:
            server.login(self._settings.user, self._settings.password.get_secret_value())


def mail(sender: str, to: Iterable[str], notice: Notice, pictures: Iterable[Path]) -> EmailMessage:
    """The mail of a notice. Its Message-ID is of the notice, so that a repetition is known as one."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, ", ".join(to), subject(notice)
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{notice.id.replace(':', '.')}@{sender.rpartition('@')[2].strip('[]')}>"
    # So that no absence note answers it (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text(notice))
    left = _MOST_BYTES
    for picture in pictures:
        # It may have been removed meanwhile.
        with suppress(OSError):
            data = picture.read_bytes()
            if len(data) <= left:
                message.add_attachment(data, maintype="image", subtype="jpeg", filename=picture.name)
                left -= len(data)
    return message


def _who(refused: Mapping[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{address}: {code} {_words(answer)}" for address, (code, answer) in refused.items())


def _words(answer: bytes | str | Exception) -> str:
    return " ".join((answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)).split())
