"""What --camera may be, and that no password of it is ever readable."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_resnet.errors import CameraError
from runtime.service.redaction import redact_text
from runtime.sources.address import Address, redact

SECRET = "s3cr3t"
WITH_SECRET = [
    f"rtsp://admin:{SECRET}@10.0.0.4:554/stream1",
    f"rtsp://admin:{SECRET}%40x@10.0.0.4/stream1",
    f"rtsp://admin:a@{SECRET}@10.0.0.4/stream1",
    f"rtsp://admin:a/{SECRET}@10.0.0.4/stream1",
    f"rtsp://admin:a?{SECRET}@10.0.0.4/stream1",
    f"rtsp://admin:a#{SECRET}@10.0.0.4/stream1",
    f"rtsp://{SECRET}@10.0.0.4/",
    f"RTSP://u:{SECRET}@[fe80::1]:554/",
    f"http://10.0.0.4/video.cgi?user=admin&password={SECRET}",
    f"http://10.0.0.4/video.cgi?loginuse=a&loginpas={SECRET}&channel=1",
    f"http://10.0.0.4/video?token={SECRET}",
    f"http://10.0.0.4/video?%70assword={SECRET}",
    f"http://10.0.0.4/video?a=b;pwd={SECRET}",
    f"http://10.0.0.4/video?mail=a@b&sig={SECRET}",
    f"http://10.0.0.4/video?{SECRET}",
    f"http://10.0.0.4/video?{SECRET}==",
    f"http://10.0.0.4/video#{SECRET}",
    f"rtsp://10.0.0.4/user=admin_password={SECRET}_channel=1_stream=0.sdp",
    f"rtsp://10.0.0.4/user=admin&password={SECRET}&channel=1",
    # Mistyped.
    f"rtsp:/admin:{SECRET}@10.0.0.4/stream1",
    f"admin:{SECRET}@10.0.0.4/stream1",
    f"10.0.0.4/video?password={SECRET}",
]


def told(url: str) -> str:
    """All that a person may get to read of an address."""
    try:
        address = Address.parse(url)
    except CameraError as error:
        return str(error)
    assert address.target == url
    return f"{address.name} {address!r}"


@pytest.mark.parametrize("url", WITH_SECRET)
def test_no_secret_is_left(url: str) -> None:
    assert SECRET not in redact(url)
    assert SECRET not in told(url)


_HOST = "10.0.0.4"
_parts = st.text("XYZ@/:#?&=[]! ", max_size=6)


@given(_parts, _parts)
@example("p@", "/")
@example("", "#")
@example("1/", "")
def test_a_password_with_any_sign_is_told_nowhere(before: str, after: str) -> None:
    url = f"rtsp://u:{before}{SECRET}{after}@{_HOST}/x"
    assert SECRET not in told(url)
    try:
        address = Address.parse(url)
    except CameraError:
        return
    # Whoever looks up the host, or writes it into a message, takes it for this one.
    assert urlsplit(address.target).hostname == _HOST


@pytest.mark.parametrize(
    "url",
    [
        f"rtsp://u:p@{SECRET}w/{SECRET}d@127.0.0.1/x",
        f"rtsp://u:{SECRET}#ETx@127.0.0.1:1/x",
        f"rtsp://u:{SECRET}?x@127.0.0.1/x",
        f"rtsp://u:{SECRET}@x@127.0.0.1/x",
        f"rtsp://u:12/{SECRET}@127.0.0.1/x",
        f"rtsp://u:{SECRET}[@127.0.0.1/x",
    ],
)
def test_a_password_that_may_end_in_two_places_is_refused_and_the_log_says_how_it_is_written(url: str) -> None:
    with pytest.raises(CameraError) as refused:
        Address.parse(url)
    line = redact_text(f"the configuration stays: {refused.value}")
    assert line == f"the configuration stays: {refused.value}"
    assert SECRET not in line
    for told_of_it in ("rtsp://***@127.0.0.1", "at sign as %40", "/ as %2F", ": as %3A", "# as %23", "? as %3F"):
        assert told_of_it in line


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("rtsp:///cam", "rtsp:///cam: no host; "),
        ("rtsp://", "rtsp://: no host; "),
        (f"http://user:{SECRET}@/x", "http://***@/x: no host; "),
        ("udp://", "udp://: no host; "),
        ("rtsp://1.2.3.4:99999/x", "rtsp://***: its host or port (1 to 65535) cannot be read; "),
        (f"rtsp://admin:{SECRET}/x", "rtsp://***: its host or port (1 to 65535) cannot be read; "),
        (f"rtsp://a:{SECRET}@1.2.3.4:0/x", "rtsp://***@1.2.3.4:0/x: its host or port (1 to 65535) cannot be read; "),
        ("rtsp://[::1/x", "rtsp://***: its host or port (1 to 65535) cannot be read; "),
        ("rtsp://a..b/x", "rtsp://***: its host or port (1 to 65535) cannot be read; "),
    ],
)
def test_a_url_that_nothing_can_be_asked_by_is_refused(url: str, message: str) -> None:
    with pytest.raises(CameraError) as refused:
        Address.parse(url)
    line = str(refused.value)
    assert line.startswith(message)
    assert SECRET not in line
    assert redact_text(line) == line


@pytest.mark.parametrize(
    "url",
    ["rtsp://a:b:c@h/", "rtsp://[fe80::1]:554/", "udp://:5000", "udp://@239.0.0.1:5000", "srt://:9000?mode=listener"],
)
def test_other_forms_that_open_are_taken(url: str) -> None:
    assert Address.parse(url).target == url


def test_what_tells_cameras_apart_stays() -> None:
    assert (
        redact("rtsp://a:b@nvr:554/live?channel=2&subtype=1&auth=x")
        == "rtsp://***@nvr:554/live?channel=2&subtype=1&***"
    )
    assert redact("rtsp://nvr/user=a_password=b_channel=3_stream=0.sdp").endswith("_channel=3_stream=0.sdp")
    assert redact("http://cam.local:8080/mjpg/1/video.mjpg") == "http://cam.local:8080/mjpg/1/video.mjpg"
    assert redact("clips/yard 1.mp4") == "clips/yard 1.mp4"


_words = st.text(st.characters(codec="utf-8", exclude_characters="@"), max_size=20)


@given(_words, st.text("XYZ", min_size=8, max_size=12), _words)
def test_whatever_is_before_the_last_at_sign_goes(before: str, secret: str, after: str) -> None:
    assert secret not in redact(f"rtsp://u:{before}{secret}{before}@host/{after.replace(secret, '')}")


def test_a_number_is_a_device() -> None:
    assert Address.parse("0") == Address("device", "0", "0")


@pytest.mark.parametrize("text", ["exec:rm -rf /", "concat:a.mp4|b.mp4", "²", "-1", "", "pipe:0"])
def test_what_looks_like_a_command_or_a_protocol_is_only_ever_a_missing_file(text: str) -> None:
    with pytest.raises(CameraError, match="no such file"):
        Address.parse(text)


@pytest.mark.parametrize("scheme", ["exec", "file", "concat", "subfile", "ftp"])
def test_other_protocols_than_cameras_are_refused(scheme: str) -> None:
    with pytest.raises(CameraError, match="no camera's"):
        Address.parse(f"{scheme}://x/y")


def test_a_file_is_opened_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("concat:a.avi").touch()
    address = Address.parse("concat:a.avi")
    assert (address.kind, address.name, address.target) == ("file", "concat:a.avi", str(tmp_path / "concat:a.avi"))


def test_a_folder_is_opened_by_its_whole_path(tmp_path: Path) -> None:
    assert Address.parse(str(tmp_path)) == Address("folder", str(tmp_path), str(tmp_path.resolve()))


def test_devices_as_paths_are_refused_with_what_to_do() -> None:
    with pytest.raises(CameraError, match="give its number"):
        Address.parse("/dev/null")
