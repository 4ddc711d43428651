"""What is told of cameras that are to be on the attention ladder and cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge_resnet.errors import UserError
from runtime.config.example import EXAMPLE
from runtime.config.load import Reading, load, read
from runtime.config.settings import CameraSettings

RTSP = "rtsp://10.0.0.4/stream2"


@pytest.fixture
def without_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)


def written(folder: Path, *cameras: str) -> Reading:
    """A file with a camera a line, from line 4 on."""
    lines = [f"      camera{number}: {camera}" for number, camera in enumerate(cameras)]
    (folder / "cameras.yaml").write_text("\n".join(["sites:", "  yard:", "    cameras:", *lines, ""]))
    return read(folder / "cameras.yaml")


@pytest.mark.parametrize(
    ("detect", "attention", "climbs"),
    [
        (RTSP, "ladder", True),
        ("rtsps://10.0.0.4/x", "ladder", True),
        (RTSP, "full", False),
        ("http://10.0.0.4/x", "ladder", False),
        ("0", "ladder", False),
    ],
)
def test_cameras_with_packets_climb_where_they_are_told_to(detect: str, attention: str, climbs: bool) -> None:
    assert CameraSettings(detect=detect, attention=attention).on_ladder is climbs


@pytest.mark.usefixtures("without_pyav")
def test_without_pyav_the_ladder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    reading = written(
        tmp_path,
        f"{{detect: {RTSP}, attention: ladder}}",
        f"{{detect: {RTSP}x}}",
        "{detect: 0, attention: ladder, gate: {enabled: true}}",
        "{detect: clip.mp4, attention: ladder, rat: 5}",
    )
    refused = "attention: ladder needs PyAV: pip install 'edge-resnet[video]'; or write full"
    lines = [line.removeprefix(f"{reading.file}:") for line in reading.lines()]
    assert lines[0] == f"4:61: sites.yard.cameras.camera0.{refused}"
    # Told beside other mistakes.
    assert [line.partition(": ")[2] for line in lines[1:]] == [
        f"sites.yard.cameras.camera3.{refused}",
        "sites.yard.cameras.camera3.rat: unknown key; did you mean rate?",
    ]
    assert reading.settings is None


@pytest.mark.usefixtures("without_pyav")
def test_a_watch_does_not_begin_without_it(tmp_path: Path) -> None:
    reading = written(tmp_path, f"{{detect: {RTSP}, attention: ladder}}")
    with pytest.raises(UserError) as mistake:
        load(reading.file)
    assert "pip install 'edge-resnet[video]'" in str(mistake.value)
    assert "\n" not in str(mistake.value)


def test_with_it_nothing_is_to_be_told(tmp_path: Path) -> None:
    pytest.importorskip("av")
    reading = written(tmp_path, f"{{detect: {RTSP}, attention: ladder, ladder: {{hold: 20 s}}}}")
    assert reading.settings is not None
    assert (reading.warnings, reading.settings.cameras()["yard/camera0"].ladder.hold) == ((), 20.0)


@pytest.mark.usefixtures("without_pyav")
@pytest.mark.parametrize("detect", ["0", "http://10.0.0.4/video.mjpg", "pictures"])
def test_where_there_are_no_packets_the_gate_in_its_place_is_noted(tmp_path: Path, detect: str) -> None:
    (tmp_path / "pictures").mkdir()
    reading = written(tmp_path, f"{{detect: {detect}, attention: ladder}}")
    assert reading.settings is not None
    (note,) = reading.warnings
    assert (note.path[-1], "its gate leaves out" in note.text) == ("attention", True)
    told = written(tmp_path, f"{{detect: {detect}, attention: ladder, gate: {{enabled: true}}}}")
    assert told.warnings == ()


@pytest.mark.parametrize(
    ("camera", "without_effect"),
    [
        ("{detect: rtsp://h/x, decoder: cuda}", False),
        ("{detect: rtsp://h/x, attention: full, decoder: auto}", False),
        ("{detect: clip.mp4, decoder: cuda}", True),
        ("{detect: clip.mp4, attention: ladder, decoder: cuda}", False),
        ("{detect: http://h/x, decoder: cuda}", True),
        ("{detect: rtsp://h/x, decoder: opencv}", False),
        ("{detect: 0, attention: ladder, gate: {enabled: true}, decoder: vaapi}", True),
        ("{detect: rtsp://h/x, attention: ladder, decoder: cuda}", False),
        ("{detect: rtsp://h/x, decoder: cpu}", False),
        ("{detect: rtsp://h/x}", False),
    ],
)
def test_a_decoder_that_has_nothing_to_decode_is_noted(tmp_path: Path, camera: str, without_effect: bool) -> None:
    pytest.importorskip("av")
    (tmp_path / "clip.mp4").touch()
    reading = written(tmp_path, camera)
    assert reading.settings is not None
    assert [(note.path[-1], "without effect" in note.text) for note in reading.warnings] == (
        [("decoder", True)] if without_effect else []
    )


@pytest.mark.usefixtures("without_pyav")
def test_a_decoder_that_needs_pyav_is_noted(tmp_path: Path) -> None:
    reading = written(tmp_path, f"{{detect: {RTSP}, decoder: cuda}}", f"{{detect: {RTSP}x, decoder: opencv}}")
    assert [(note.path, note.text) for note in reading.warnings] == [
        (
            ("sites", "yard", "cameras", "camera0", "decoder"),
            "without effect: it needs PyAV: pip install 'edge-resnet[video]'",
        )
    ]
    assert reading.settings is not None
    assert {each.packet_decoder for each in reading.settings.cameras().values()} == {None}


def test_opencv_is_refused_where_it_would_decode_for_the_ladder(tmp_path: Path) -> None:
    pytest.importorskip("av")
    reading = written(
        tmp_path,
        f"{{detect: {RTSP}, attention: ladder, decoder: opencv}}",
        "{detect: 0, attention: ladder, gate: {enabled: true}, decoder: opencv}",
    )
    assert [(problem.path[-2:], problem.text) for problem in reading.problems] == [
        (("camera0", "decoder"), "opencv decodes every frame, and the ladder does not; write cpu, or attention: full")
    ]


@pytest.mark.parametrize(
    ("detect", "attention", "decoder", "by"),
    [
        (RTSP, "full", "cpu", "cpu"),
        (RTSP, "full", "auto", "auto"),
        (RTSP, "full", "opencv", None),
        (RTSP, "ladder", "cuda", "cuda"),
        ("http://10.0.0.4/x", "full", "cpu", None),
        ("0", "ladder", "cpu", None),
    ],
)
def test_rtsp_is_decoded_by_its_packets_unless_opencv_is_to(
    detect: str, attention: str, decoder: str, by: str | None
) -> None:
    pytest.importorskip("av")
    camera = CameraSettings.model_validate({"detect": detect, "attention": attention, "decoder": decoder})
    assert camera.packet_decoder == by


@pytest.mark.parametrize(
    ("camera", "named"),
    [
        ("{detect: rtsp://h/x, attention: ladder, gate: {enabled: true, never_for: [smoke, fire]}}", "smoke, fire too"),
        ("{detect: rtsp://h/x, attention: ladder, gate: {never_for: [smoke]}}", "smoke too"),
        ("{detect: rtsp://h/x, attention: ladder, alarms: [fire], gate: {never_for: [smoke, fire]}}", "fire too"),
        ("{detect: rtsp://h/x, attention: ladder, alarms: [fire], gate: {never_for: [smoke]}}", None),
        ("{detect: rtsp://h/x, attention: full, gate: {enabled: true, never_for: [smoke]}}", None),
        ("{detect: 0, attention: ladder, gate: {enabled: true, never_for: [smoke]}}", None),
        ("{detect: rtsp://h/x, attention: ladder, gate: {enabled: true}}", None),
    ],
)
def test_an_alarm_that_the_gate_spares_and_the_ladder_does_not_is_noted(
    tmp_path: Path, camera: str, named: str | None
) -> None:
    pytest.importorskip("av")
    reading = written(tmp_path, camera)
    assert reading.settings is not None
    assert [note.path[-2:] for note in reading.warnings] == ([] if named is None else [("gate", "never_for")])
    assert all(f"only, for {named}; where nothing" in note.text for note in reading.warnings)


def test_a_list_of_such_alarms_that_is_none_is_told_once(tmp_path: Path) -> None:
    reading = written(tmp_path, "{detect: rtsp://h/x, attention: ladder, gate: {never_for: smoke}}")
    assert [problem.path[-1] for problem in reading.problems] == ["never_for"]
    assert reading.warnings == ()


@pytest.mark.usefixtures("without_pyav")
@pytest.mark.parametrize(
    ("camera", "why"),
    [
        ("{detect: rtsp://h/x, ladder: {hold: 20 s}}", "it holds with attention: ladder"),
        ("{detect: rtsp://h/x, attention: full, ladder: {hold: 20 s}}", "it holds with attention: ladder"),
        ("{detect: 0, attention: ladder, gate: {enabled: true}, ladder: {wake: 0.3}}", "cannot be passed over"),
        ("{detect: 0, attention: ladder, gate: {enabled: true}}", None),
    ],
)
def test_a_ladder_that_a_camera_is_not_on_is_noted(tmp_path: Path, camera: str, why: str | None) -> None:
    reading = written(tmp_path, camera)
    assert [note.path[-1] for note in reading.warnings] == ([] if why is None else ["ladder"])
    assert all(str(why) in note.text for note in reading.warnings)


@pytest.mark.parametrize(
    ("camera", "notes"),
    [
        ("ladder: {glance: 5 s}", {"glance": "longer than glance_within (4 s)"}),
        ("ladder: {glance_within: 500 ms}", {"glance_within": "no look comes sooner than each glance (1 s)"}),
        ("ladder: {glance: 4 s}", {}),
        ("ladder: {glance: 12 s, glance_within: 12 s}", dict.fromkeys(["glance", "glance_within"], "heartbeat (10 s)")),
        ("ladder: {glance_within: 20 s}, heartbeat: 20 s", {}),
        # What nobody has written gives way.
        ("heartbeat: 2 s", {}),
        ("heartbeat: 500 ms", {}),
        ("ladder: {hold: 150 ms}", {"hold": "150 ms may be over before a look comes, one each 200 ms"}),
        ("ladder: {hold: 200 ms}", {}),
        ("rate: 1/min, heartbeat: 1 min", {"hold": "10 s may be over before a look comes, one each 60 s"}),
        ("rate: 1/min", {}),
    ],
)
def test_times_of_a_ladder_that_mean_nothing_beside_others_are_noted(
    tmp_path: Path, camera: str, notes: dict[str, str]
) -> None:
    pytest.importorskip("av")
    reading = written(tmp_path, f"{{detect: {RTSP}, attention: ladder, {camera}}}")
    assert reading.settings is not None
    assert [note.path[-1] for note in reading.warnings] == list(notes)
    assert all(text in note.text for text, note in zip(notes.values(), reading.warnings, strict=True))


def test_times_of_a_ladder_that_a_camera_is_not_on_are_not_weighed(tmp_path: Path) -> None:
    reading = written(tmp_path, f"{{detect: {RTSP}, ladder: {{glance: 20 s}}}}")
    assert [note.path[-1] for note in reading.warnings] == ["ladder"]


def test_the_example_s_ladder_is_right_and_noted_only_where_it_has_no_effect(tmp_path: Path) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text(EXAMPLE)
    assert read(file).warnings == ()
    head, ladder, tail = EXAMPLE.partition("\n        # ladder:")
    own, end, tail = tail.partition("        schedule:")
    file.write_text(head + (ladder + own).replace("\n        # ", "\n        ") + end + tail)
    (note,) = read(file).warnings
    assert note.path[-1] == "ladder"
    assert read(file).settings is not None


def test_an_address_that_is_none_is_told_once(tmp_path: Path) -> None:
    reading = written(tmp_path, "{detect: none.mp4, attention: ladder, decoder: cuda}", "{attention: ladder}")
    assert reading.warnings == ()
    assert sorted(".".join(map(str, problem.path[3:])) for problem in reading.problems) == ["camera0.detect", "camera1"]
