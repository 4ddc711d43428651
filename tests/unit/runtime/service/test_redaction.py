"""No password in any text, however it is written; and the rest of the text is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.service.redaction import redact_text

# No letter of it is in the texts around it. It may hold whatever people put into passwords.
SECRETS = st.text("XYZ 0189@/:#?&=!.", min_size=1, max_size=20).map(lambda text: f"Q{text}Q")
WORDS = st.sampled_from(["", "camera", "camera lost:", "(was", "it's", "a\nline", "50%", "/dev/video0", "runs/b.mp4"])


@given(before=WORDS, secret=SECRETS, after=WORDS, scheme=st.sampled_from(["rtsp://", "http://", "RTSP:/", "rtsps://"]))
def test_a_password_in_a_url_inside_a_text_is_gone(before: str, secret: str, after: str, scheme: str) -> None:
    told = redact_text(f"{before} {scheme}user:{secret}@10.0.0.5:554/s1 {after}")
    assert "Q" not in told
    assert "user" not in told
    assert told.startswith(before)
    assert told.endswith(f"@10.0.0.5:554/s1 {after}")
    assert redact_text(told) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rtsp://a:b@h/1 and rtsp://c:d@i/2, both", "rtsp://***@h/1 and rtsp://***@i/2, both"),
        ("rtsp://a:b c:/d@h/1, RTSP://e:f g@i/2", "rtsp://***@h/1, RTSP://***@i/2"),
        ("opening 'rtsp://a:b c@h/1'", "opening 'rtsp://***@h/1'"),
        ("1rtsp://a:b c@h/1", "***@h/1"),
        ("'admin:hunter2@10.0.0.5' refused", "***@10.0.0.5' refused"),
        ("admin:hunter2@10.0.0.5 refused", "***@10.0.0.5 refused"),
        ("see http://h/s?token=hunter2 now", "see http://h/s?*** now"),
        ("http://h/user=admin_password=hunter2_channel=1.sdp", "http://h/user=***_password=***_channel=1.sdp"),
        ("user=admin_password=hunter2_channel=1.sdp", "user=***_password=***_channel=1.sdp"),
        ("said password=hunter2 aloud", "said password=*** aloud"),
    ],
)
def test_what_may_be_a_secret_goes(text: str, told: str) -> None:
    assert redact_text(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "yard/gate: timeout; is it on?",
        "camera http://127.0.0.1:1/x?***&***: refused; is it on?",
        "camera http://127.0.0.1/x?***#***: refused",
        "camera http://127.0.0.1/x?channel=2&***, http://127.0.0.1/x?channel: gone.",
        "camera rtsp://h/user=***_password=***: refused; is it on?",
        "bundle: runs/fire (the newest; --bundle names another)",
        "rtsp://10.0.0.5:554/stream1?channel=2&subtype=1 has ended",
        "the rate is 5/s, the age 0.12 s & all is well",
        "C:\\clips\\yard.mp4",
        "camera #2: what? yes",
    ],
)
def test_an_innocent_text_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("part", ["a", "rtsp://", "a:", "a=", "a.b+", "a@", "a ", "://", "rtsp://a b "])
def test_a_long_text_takes_no_longer_than_its_length(part: str) -> None:
    # What is quadratic takes minutes here.
    redact_text(part * 100_000)
