"""A real server that takes mail, as a thread of the test; it may ask for encryption and a password, and refuse."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.rig.certificates import Certificates


class Mailbox:
    """On loopback, as a context manager. `mails` came, in order, each with `recipients` as they were named to it.

    With `certificates` it wants STARTTLS first, or with `at_once` speaks TLS from the first byte. `answer`: what it
    says to a recipient and to a mail, of which 250 is yes.
    """

    def __init__(
        self,
        user: str = "",
        password: str = "",
        certificates: Certificates | None = None,
        at_once: bool = False,
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.recipient: Callable[[str], str] = lambda address: "250 OK"
        self.data: Callable[[], str] = lambda: "250 OK"
        self._user, self._password = user, password
        self._lock = threading.Lock()
        options: dict[str, Any] = {}
        if certificates is not None:
            context = certificates.context()
            options = {"ssl_context": context} if at_once else {"tls_context": context, "require_starttls": True}
        if user:
            options |= {
                "authenticator": self._authenticate,
                "auth_required": True,
                "auth_require_tls": certificates is not None and not at_once,
            }
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)

    def __enter__(self) -> Mailbox:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        answer = self.recipient(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = self.data()
        if answer.startswith("250"):
            with self._lock:
                mail = message_from_bytes(envelope.content, policy=policy.default)
                assert isinstance(mail, EmailMessage)
                self.mails.append(mail)
                self.recipients.append(list(envelope.rcpt_tos))
        return answer

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == (
            self._user,
            self._password,
        )
        return AuthResult(success=good, handled=good)
