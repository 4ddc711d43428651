"""A program that is called by HTTP: a POST of JSON, signed, with the notice's id to know a repetition by."""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path

import httpx

from runtime.config.sinks import WebhookSettings
from runtime.events.notice import Notice
from runtime.sinks.destination import addresses
from runtime.sinks.sink import Context, Refused, Sink, Unavailable

SIGNATURE, TIMESTAMP, ID = "X-Edge-Resnet-Signature", "X-Edge-Resnet-Timestamp", "Idempotency-Key"
_PORTS = {"http": 80, "https": 443}
# Of the 4xx those that may go otherwise the next time.
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_MOST_PIECES = 4
# Who asks for more is not waited for: whoever sits before the alarm would be.
_LONGEST_PAUSE_S = 3600.0


class WebhookSink(Sink):
    """Each notice is a request of its own; connections are kept.

    Raises OSError, ssl.SSLError for a certificate that cannot be read.
    """

    def __init__(self, settings: WebhookSettings, context: Context) -> None:
        self._settings = settings
        self._url = httpx.URL(settings.url.get_secret_value())
        self._client = httpx.Client(
            # Not by way of a proxy of the environment: it would look the name up once more.
            trust_env=False,
            follow_redirects=False,
            verify=ssl.create_default_context(cafile=settings.ca_file),
            timeout=httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout),
        )

    def deliver(self, notice: Notice, pictures: Sequence[Path]) -> None:
        body = notice.to_json().encode()
        headers = {"Content-Type": "application/json", "User-Agent": "edge-resnet", ID: notice.id}
        if self._settings.secret is not None:
            moment = str(int(time.time()))
            headers |= {TIMESTAMP: moment, SIGNATURE: sign(self._settings.secret.get_secret_value(), moment, body)}
        _judge(*self._post(body, headers))

    def close(self) -> None:
        self._client.close()

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, httpx.Headers]:
        """The code and the headers of the answer."""
        host = self._url.host
        problem = ""
        for number in addresses(host, self._url.port or _PORTS[self._url.scheme], self._settings.allow_private):
            # By the number, with the name where the server and its certificate need it.
            named = {"Host": self._url.netloc.decode("ascii"), **headers}
            request = self._client.build_request(
                "POST",
                self._url.copy_with(host=number),
                content=body,
                headers=named,
                extensions={"sni_hostname": self._url.raw_host.decode("ascii")},
            )
            try:
                answer = self._client.send(request, stream=True)
            except httpx.ConnectError as error:
                problem = str(error)
                continue
            except httpx.HTTPError as error:
                raise Unavailable(f"{host}: {_words(error)}") from error
            _finish(answer)
            return answer.status_code, answer.headers
        raise Unavailable(f"{host}: no connection ({problem})")


def _finish(answer: httpx.Response) -> None:
    """A body that is short is read, so that the connection can be kept; of another nobody waits for the end."""
    with suppress(httpx.HTTPError):
        for _ in zip(range(_MOST_PIECES), answer.iter_raw(), strict=False):
            pass
    answer.close()


def sign(secret: str, moment: str, body: bytes) -> str:
    """The signature of a request: HMAC-SHA256 of the time, a point and the body."""
    return "sha256=" + hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def _judge(code: int, headers: httpx.Headers) -> None:
    """Whether an answer means that it has arrived. Raises Refused, Unavailable."""
    if HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = f"the answer was {code} {httpx.codes.get_reason_phrase(code)}".strip()
    if HTTPStatus.MULTIPLE_CHOICES <= code < HTTPStatus.BAD_REQUEST:
        raise Refused(f"{said}: redirects are not followed; give the address that it leads to")
    if HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR and code not in _LATER:
        raise Refused(said)
    raise Unavailable(said, pause_s=_retry_after_s(headers.get("Retry-After", "")))


def _retry_after_s(text: str) -> float:
    """The seconds that a server asks for (RFC 9110, 10.2.3): a number, or a date."""
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(timezone.utc)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return min(max(seconds, 0.0), _LONGEST_PAUSE_S)


def _words(error: httpx.HTTPError) -> str:
    """What went wrong; the library's own words may be none."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__
