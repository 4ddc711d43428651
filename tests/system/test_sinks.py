"""Sinks against what they are made for: a program that is called by HTTP, a server that takes mail."""

from __future__ import annotations

import hashlib
import hmac
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from runtime.config.sinks import EmailSettings, SinkSettings, WebhookSettings
from runtime.events.notice import Notice
from runtime.sinks.registry import open_sink
from runtime.sinks.sink import Context, Refused, Sink, Unavailable
from tests.rig.certificates import Certificates, make
from tests.rig.mailbox import Mailbox
from tests.rig.receiver import HANG_UP, NEVER, Receiver, Reply, in_turn
from tests.unit.runtime.notices import event, raised

ROOT = Path(__file__).resolve().parents[2]
CAMERAS = {"yard/gate": ("fire",)}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("certificates"))


@contextmanager
def opened(settings: SinkSettings, **context: Any) -> Iterator[Sink]:
    sink = open_sink(settings, Context("phone", **{"cameras": CAMERAS, **context}))
    try:
        yield sink
    finally:
        sink.close()


# Webhook


def hook(receiver: Receiver, **more: Any) -> WebhookSettings:
    return WebhookSettings.model_validate({"url": receiver.url(), "allow_private": True, **more})


def test_a_request_is_signed_and_can_be_known_again() -> None:
    notice = raised(event(camera="yard/gäte"))
    with Receiver() as receiver, opened(hook(receiver, secret="s3cr3t")) as sink:
        for _ in range(2):
            sink.deliver(notice, ())
        first, again = receiver.until(2)
    assert first.path == "/hook?from=yard"
    assert Notice.from_json(first.body.decode()) == notice
    moment = first.headers["x-edge-resnet-timestamp"]
    expected = hmac.new(b"s3cr3t", moment.encode() + b"." + first.body, hashlib.sha256).hexdigest()
    assert first.headers["x-edge-resnet-signature"] == f"sha256={expected}"
    assert first.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert first.id == again.id == notice.id
    # Connections are kept.
    assert receiver.connections == 1


def test_the_page_s_check_of_a_signature_works() -> None:
    page = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "is_ours" in block)
    exec(code, told := {})  # the page is ours
    with Receiver() as receiver, opened(hook(receiver, secret="s3cr3t")) as sink:
        sink.deliver(raised(), ())
        (request,) = receiver.until(1)
    headers = httpx.Headers(dict(request.headers))
    assert told["is_ours"]("s3cr3t", headers, request.body)
    assert not told["is_ours"]("other", headers, request.body)
    assert not told["is_ours"]("s3cr3t", headers, request.body + b" ")
    old = httpx.Headers({**request.headers, "x-edge-resnet-timestamp": "1000000000"})
    assert not told["is_ours"]("s3cr3t", old, request.body)


def test_without_a_secret_nothing_is_signed() -> None:
    with Receiver() as receiver, opened(hook(receiver)) as sink:
        sink.deliver(raised(), ())
        (request,) = receiver.until(1)
    assert "x-edge-resnet-signature" not in request.headers


@pytest.mark.parametrize("code", [200, 201, 204, 299])
def test_these_codes_mean_that_it_has_arrived(code: int) -> None:
    with Receiver(in_turn(Reply(code))) as receiver, opened(hook(receiver)) as sink:
        sink.deliver(raised(), ())


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_these_codes_mean_later(code: int) -> None:
    with Receiver(in_turn(Reply(code), Reply(200))) as receiver, opened(hook(receiver)) as sink:
        with pytest.raises(Unavailable, match=f"the answer was {code}"):
            sink.deliver(raised(), ())
        sink.deliver(raised(), ())


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 413, 422])
def test_these_codes_mean_never(code: int) -> None:
    with (
        Receiver(in_turn(Reply(code))) as receiver,
        opened(hook(receiver)) as sink,
        pytest.raises(Refused, match=f"the answer was {code}"),
    ):
        sink.deliver(raised(), ())


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_nobody_is_redirected(code: int) -> None:
    with Receiver() as other:
        reply = in_turn(Reply(code, {"Location": other.url()}))
        with Receiver(reply) as receiver, opened(hook(receiver)) as sink, pytest.raises(Refused, match="redirects"):
            sink.deliver(raised(), ())
        assert other.requests == []


@pytest.mark.parametrize(("told", "pause_s"), [("7", 7.0), ("999999999", 3600.0), ("soon", 0.0)])
def test_a_server_that_asks_for_time_gets_it(told: str, pause_s: float) -> None:
    reply = in_turn(Reply(503, {"Retry-After": told}))
    with Receiver(reply) as receiver, opened(hook(receiver)) as sink, pytest.raises(Unavailable) as caught:
        sink.deliver(raised(), ())
    assert caught.value.pause_s == pause_s


@pytest.mark.parametrize("reply", [Reply(HANG_UP), Reply(NEVER), Reply(200, after_s=30.0)])
def test_who_does_not_answer_in_time_is_tried_again(reply: Reply) -> None:
    with Receiver(in_turn(reply, Reply(200))) as receiver, opened(hook(receiver, read_timeout=0.3)) as sink:
        with pytest.raises(Unavailable):
            sink.deliver(raised(), ())
        sink.deliver(raised(), ())


def test_nobody_there_is_told() -> None:
    with Receiver() as receiver:
        settings = hook(receiver)
    with opened(settings) as sink, pytest.raises(Unavailable, match=r"127\.0\.0\.1: no connection"):
        sink.deliver(raised(), ())


def test_an_address_of_this_machine_is_called_only_when_that_is_meant() -> None:
    with Receiver() as receiver:
        for host in ("127.0.0.1", "localhost"):
            settings = WebhookSettings(url=SecretStr(receiver.url(host)))
            with opened(settings) as sink, pytest.raises(Unavailable, match="allow_private"):
                sink.deliver(raised(), ())
        assert receiver.connections == 0


def test_what_was_checked_is_what_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere at each look-up is looked up once; the server still sees its name."""
    lookups: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host != "hooks.example":
            return real(host, port, *more, **named)
        lookups.append(host)
        return real("127.0.0.1" if len(lookups) == 1 else "203.0.113.1", port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with Receiver() as receiver:
        settings = WebhookSettings(url=SecretStr(receiver.url("hooks.example")), allow_private=True)
        with opened(settings) as sink:
            sink.deliver(raised(), ())
        (request,) = receiver.until(1)
    assert request.headers["host"] == f"hooks.example:{receiver.port}"
    assert lookups == ["hooks.example"]


def test_the_certificate_is_checked_against_the_name(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def elsewhere(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host == "hooks.example" else host, port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", elsewhere)
    with Receiver(certificates=certificates) as receiver:
        good = {"ca_file": certificates.authority, "allow_private": True}
        with opened(WebhookSettings.model_validate({"url": receiver.url("localhost"), **good})) as sink:
            sink.deliver(raised(), ())
        for wrong in ({"url": receiver.url("hooks.example"), **good}, {"url": receiver.url(), "allow_private": True}):
            with (
                opened(WebhookSettings.model_validate(wrong)) as sink,
                pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"),
            ):
                sink.deliver(raised(), ())
        assert len(receiver.requests) == 1


# Mail


def mail(mailbox: Mailbox, **more: Any) -> EmailSettings:
    values = {"host": "localhost", "port": mailbox.port, "sender": "edge@box.example", "to": ["guard@example.org"]}
    return EmailSettings.model_validate({**values, **more})


@pytest.mark.parametrize("at_once", [False, True])
def test_a_mail_is_encrypted_and_has_the_pictures(certificates: Certificates, tmp_path: Path, at_once: bool) -> None:
    (tmp_path / "fire.jpg").write_bytes(b"\xff\xd8picture")
    pictures = [tmp_path / "fire.jpg", tmp_path / "gone.jpg"]
    with Mailbox("edge", "s3cr3t", certificates, at_once) as mailbox:
        settings = mail(
            mailbox,
            to=["guard@example.org", "boss@example.org"],
            user="edge",
            password="s3cr3t",
            ca_file=certificates.authority,
            security="tls" if at_once else "starttls",
        )
        with opened(settings) as sink:
            notice = raised()
            sink.deliver(notice, pictures)
            sink.deliver(notice, ())
    first, again = mailbox.mails
    assert mailbox.recipients[0] == ["guard@example.org", "boss@example.org"]
    assert (first["Subject"], first["From"]) == ("ALARM fire at yard/gate", "edge@box.example")
    assert first["Message-ID"] == again["Message-ID"] == f"<{notice.id.replace(':', '.')}@box.example>"
    text = first.get_body(("plain",))
    assert text is not None
    assert "seen: fire" in text.get_content()
    (picture,) = first.iter_attachments()
    assert (picture.get_filename(), picture.get_content()) == ("fire.jpg", b"\xff\xd8picture")
    assert list(again.iter_attachments()) == []


@pytest.mark.parametrize(
    "wrong", [{"password": "other"}, {"ca_file": None}, {"security": "none", "user": None, "password": None}]
)
def test_who_is_not_let_in_tries_again(certificates: Certificates, wrong: dict[str, Any]) -> None:
    with Mailbox("edge", "s3cr3t", certificates) as mailbox:
        good = {"user": "edge", "password": "s3cr3t", "ca_file": certificates.authority}
        with opened(mail(mailbox, **{**good, **wrong})) as sink, pytest.raises((Unavailable, Refused)) as caught:
            sink.deliver(raised(), ())
    assert mailbox.mails == []
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("answer", ["550 no such mailbox", "452 mailbox full"])
def test_who_gets_a_mail_gets_it_once_whoever_else_is_refused(answer: str) -> None:
    with Mailbox() as mailbox, opened(mail(mailbox, security="none", to=["a@example.org", "b@example.org"])) as sink:
        mailbox.recipient = lambda address: answer if address.startswith("b") else "250 OK"
        with pytest.raises(Refused, match=f"b@example.org: {answer}"):
            sink.deliver(raised(), ())
        assert mailbox.recipients == [["a@example.org"]]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        (("550 no", "550 no"), Refused),
        (("450 busy", "450 busy"), Unavailable),
        # Nobody has it yet, and one of them may.
        (("550 no", "450 busy"), Unavailable),
    ],
)
def test_a_mail_that_nobody_gets_is_tried_again_where_that_may_help(
    answers: tuple[str, str], error: type[Exception]
) -> None:
    with Mailbox() as mailbox, opened(mail(mailbox, security="none", to=["a@example.org", "b@example.org"])) as sink:
        mailbox.recipient = lambda address: answers[address.startswith("b")]
        with pytest.raises(error, match=rf"a@example\.org: {answers[0]}; b@example\.org: {answers[1]}"):
            sink.deliver(raised(), ())
        assert mailbox.mails == []


@pytest.mark.parametrize(("answer", "error"), [("554 spam", Refused), ("451 later", Unavailable)])
def test_a_mail_that_is_refused_is_told(answer: str, error: type[Exception]) -> None:
    with Mailbox() as mailbox, opened(mail(mailbox, security="none")) as sink:
        mailbox.data = lambda: answer
        with pytest.raises(error, match=answer):
            sink.deliver(raised(), ())


def test_no_server_for_mail_is_told() -> None:
    with Mailbox() as mailbox:
        settings = mail(mailbox, security="none")
    with opened(settings) as sink, pytest.raises(Unavailable, match="localhost: "):
        sink.deliver(raised(), ())
