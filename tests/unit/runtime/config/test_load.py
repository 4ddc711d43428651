"""Every mistake in cameras.yaml is one line with its place; no password of it is ever readable."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec
from runtime.config.load import Reading, load, read

ALARMS = {name: AlarmSpec(classes=(name,), reached=0.9) for name in ("fire", "smoke")}
SECRET = "s3cr3t"
CAMERA = "rtsp://10.0.0.4/stream2"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cameras.yaml"


def write(file: Path, text: str) -> Path:
    file.write_text(dedent(text))
    file.chmod(0o600)
    return file


def one_camera(file: Path, settings: str, more: str = "") -> Path:
    """A file with one camera; `settings` stand in line 5 and after."""
    inner = "\n".join(f"        {line}" for line in dedent(settings).splitlines())
    return write(file, f"sites:\n  yard:\n    cameras:\n      gate:\n{inner}\n{dedent(more)}")


def told(reading: Reading) -> list[str]:
    """The lines, without the file's folder."""
    return [line.removeprefix(f"{reading.file.parent}/") for line in reading.lines()]


def test_a_good_file_is_settings(file: Path) -> None:
    one_camera(
        file,
        f"""\
        detect: {CAMERA}
        rate: 30/min
        max_age: 500 ms
        schedule: night
        gate: {{enabled: true, never_for: [smoke]}}
        masks: [[[0, 0], [1, 0], [0, 1]]]
        """,
        """\
        schedules: {night: {periods: [{days: [sat], start: "22:00", end: "06:00"}]}}
        alarms: {fire: {window: 2 min, schedule: night}}
        max_wait: 30 ms
        """,
    )
    settings = load(file)
    camera = settings.cameras()["yard/gate"]
    assert (camera.detect, camera.rate, camera.max_age) == (CAMERA, 0.5, 0.5)
    assert camera.gate.never_for == ("smoke",)
    assert camera.masks == (((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)),)
    assert settings.alarms["fire"].window == 120.0
    assert settings.max_wait == 0.03


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ("rat: 5/s", "5:9: sites.yard.cameras.gate.rat: unknown key; did you mean rate?"),
        ("rate: 5 s", "5:15: sites.yard.cameras.gate.rate: '5 s' is not a quantity in /s, /min; write it like 5/s"),
        ("rate: 5", "5:15: sites.yard.cameras.gate.rate: 5 has no unit; write it like 5/s"),
        ("rate:", "5:14: sites.yard.cameras.gate.rate: here must stand a quantity; write it like 5/s"),
        ("rate: 2000/s", "5:15: sites.yard.cameras.gate.rate: 2000/s must be at most 1000/s"),
        ("heartbeat: 0 s", "5:20: sites.yard.cameras.gate.heartbeat: 0 s must be over 0 s"),
        ("heartbeat: 1000 d", "5:20: sites.yard.cameras.gate.heartbeat: 1000 d must be at most 366 d"),
        ("heartbeat: -1 s", "5:20: sites.yard.cameras.gate.heartbeat: '-1 s' is negative; write it like 10 s"),
        ("heartbeat: -1 x", "5:20: sites.yard.cameras.gate.heartbeat: '-1 x' is not a quantity in ms, s, min, h, d;"),
        ("alarms: fire", "5:17: sites.yard.cameras.gate.alarms: takes a list: [one, two], or a line with - for each"),
        ("schedule: on", "5:19: sites.yard.cameras.gate.schedule: takes text, not 'on', which YAML reads as true;"),
        ("schedule: [nights]", "5:19: sites.yard.cameras.gate.schedule: takes text, not a list"),
        (
            "attention: [ladder]",
            "5:20: sites.yard.cameras.gate.attention: takes one word, full or ladder, not a list",
        ),
        (
            "attention: {mode: ladder}",
            "5:20: sites.yard.cameras.gate.attention: takes one word, full or ladder, not keys with values",
        ),
        ("attention:", "5:19: sites.yard.cameras.gate.attention: nothing stands here; write full or ladder"),
        ("attention: lader", "5:20: sites.yard.cameras.gate.attention: unknown 'lader'; did you mean ladder?"),
        (
            "decoder: gpu",
            "5:18: sites.yard.cameras.gate.decoder: unknown 'gpu'; there are cpu, auto, cuda, qsv, vaapi, "
            "videotoolbox, opencv",
        ),
        ("gate: off", "5:15: sites.yard.cameras.gate.gate: takes keys with values, indented under it, not 'off'"),
        ("gate: {enabled: x}", "5:25: sites.yard.cameras.gate.gate.enabled: takes true or false, not 'x'"),
        ("gate: {min_area: 2}", "5:26: sites.yard.cameras.gate.gate.min_area: 2 must be at most 1"),
        (
            "masks: [[[0, 0], [1, 30], [1, 1]]]",
            "5:30: sites.yard.cameras.gate.masks[0][1][1]: 30 must be at most 1; a share of the picture, from 0 to 1, "
            "not pixels or per cent",
        ),
        ("record: 'rtsp:///x'", "5:17: sites.yard.cameras.gate.record: rtsp:///x: no host; write its name or number"),
        ("record: 'rtsp://h:99999/'", "5:17: sites.yard.cameras.gate.record: rtsp://***: its host or port (1 to"),
        ("record: 'rtsp://a:b/c@h/'", "5:17: sites.yard.cameras.gate.record: rtsp://***@h/: where its password ends"),
        (
            "masks: [[[0, 0], [1], [1, 1]]]",
            "5:26: sites.yard.cameras.gate.masks[0][1]: a point has two numbers, [x, y]",
        ),
        ("masks: [[[0, 0], [1, 1]]]", "5:17: sites.yard.cameras.gate.masks[0]: needs at least 3 entries"),
        ("schedule: nights", "5:19: sites.yard.cameras.gate.schedule: unknown schedule 'nights'; there are none"),
        ("record: 0", "5:17: sites.yard.cameras.gate.record: a device, though detect is a url; name two streams"),
        ("record: none.mp4", "5:17: sites.yard.cameras.gate.record: {folder}/none.mp4: no such file"),
        (
            "blindness: {stale_after: 1 min}",
            "5:20: sites.yard.cameras.gate.blindness.offline_after: 10 s is not after stale_after (60 s)",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(file: Path, settings: str, line: str) -> None:
    reading = read(one_camera(file, f"{settings}\ndetect: {CAMERA}"))
    assert reading.settings is None
    (only,) = told(reading)
    assert only.startswith(f"cameras.yaml:{line.format(folder=file.parent)}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("sites: {}", "1:8: sites: nothing stands here"),
        ("max_batch: 8", "1:1: sites is missing. The places that are watched, by name."),
        ("sites: {y: {cameras: {g: {rate: 5/s}}}}", "1:23: sites.y.cameras.g: detect is missing. What is classified"),
        ("sites: {y: {cameras: {g: 0}}}", "1:26: sites.y.cameras.g: takes keys with values, indented under it"),
        (
            "sites: {y: {cameras: {Tor süd: {detect: 0}}}}",
            "1:23: sites.y.cameras.Tor süd: 'Tor süd' is no name; take 1",
        ),
        ("sites: {../y: {cameras: {g: {detect: 0}}}}", "1:9: sites.../y: '../y' is no name; take 1 to 63 of a-z"),
        ("sites: {y: {timezone: Mars, cameras: {g: {detect: 0}}}}", "1:23: sites.y.timezone: 'Mars' is no time zone;"),
        (
            "sites: {y: {timezone: Europe/Berln, cameras: {g: {detect: 0}}}}",
            "1:23: sites.y.timezone: 'Europe/Berln' is no time zone; did you mean Europe/Berlin?",
        ),
        (
            "sites: {y: {timezone: Europe, cameras: {g: {detect: 0}}}}",
            "1:23: sites.y.timezone: 'Europe' is no time zone",
        ),
        ("sites: {y: {timezone: ../a, cameras: {g: {detect: 0}}}}", "1:23: sites.y.timezone: '../a' is no time zone"),
    ],
)
def test_a_mistake_around_the_cameras_is_told_too(file: Path, text: str, line: str) -> None:
    (only,) = told(read(write(file, text)))
    assert only.startswith(f"cameras.yaml:{line}")


def test_a_schedule_with_yaml_s_numbers_for_times_is_told(file: Path) -> None:
    more = "schedules: {n: {periods: [{start: 22:00, days: [monday]}]}}\nalarms: {fire: {schedule: m}}"
    assert told(read(one_camera(file, f"detect: {CAMERA}", more))) == [
        'cameras.yaml:6:35: schedules.n.periods[0].start: 1320 is no time of day; write it in quotes, like "22:00"',
        "cameras.yaml:6:49: schedules.n.periods[0].days[0]: unknown 'monday'; did you mean mon?",
        "cameras.yaml:7:27: alarms.fire.schedule: unknown schedule 'm'; there are n",
    ]
    more = "schedules: {nights: {periods: [{}]}}\nalarms: {fire: {schedule: night}}"
    assert told(read(one_camera(file, f"detect: {CAMERA}", more))) == [
        "cameras.yaml:7:27: alarms.fire.schedule: unknown schedule 'night'; did you mean nights?"
    ]


def test_all_mistakes_are_listed_and_the_first_is_raised(file: Path) -> None:
    one_camera(file, "rat: 1\nrate: 1\ndetect: none.avi\nrate: 2/s")
    assert [line.split(":")[1] for line in told(read(file))] == ["5", "6", "7", "8"]
    with pytest.raises(UserError, match=r"cameras\.yaml:5:9: .*did you mean rate\? \(and 3 more; edge-resnet config"):
        load(file)


@pytest.mark.parametrize(
    ("settings", "partial"),
    [
        ("detect: 0", False),
        ("detect: 0\nrat: 1", True),
        ("detect: none.avi", False),
        ("detect: [", True),
        ("detect: 0\nschedule: n", False),
    ],
)
def test_mistakes_that_keep_others_from_being_looked_for_say_so(file: Path, settings: str, partial: bool) -> None:
    assert read(one_camera(file, settings)).partial is partial


def test_a_missing_file_has_no_place(file: Path) -> None:
    with pytest.raises(UserError, match=r"cameras\.yaml: no such file; edge-resnet config example prints one"):
        load(file)


def test_a_device_s_number_may_be_a_number(file: Path) -> None:
    one_camera(file, "detect: 0\nrecord: 1")
    camera = load(file).cameras()["yard/gate"]
    assert (camera.detect, camera.record) == ("0", "1")


def test_files_are_sought_beside_the_configuration(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.avi").touch()
    one_camera(file, "detect: clips/a.avi")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    camera = load(Path("../cameras.yaml")).cameras()["yard/gate"]
    assert Path(camera.detect).samefile(tmp_path / "clips" / "a.avi")
    assert Path(camera.detect).is_absolute()


def test_passwords_come_from_the_environment(file: Path) -> None:
    one_camera(file, "detect: rtsp://watch:${PASSWORD}@10.0.0.4/$${x}\nrecord: ${WHOLE}")
    reading = read(file, environment={"PASSWORD": SECRET, "WHOLE": f"rtsp://a:{SECRET}@h/"})
    assert reading.settings is not None
    assert not reading.warnings
    camera = reading.settings.cameras()["yard/gate"]
    assert camera.detect == f"rtsp://watch:{SECRET}@10.0.0.4/${{x}}"
    assert camera.record == f"rtsp://a:{SECRET}@h/"
    assert SECRET not in f"{reading!r} {reading.settings} {camera!r}"


@pytest.mark.parametrize(
    ("address", "told_of_it"),
    [
        ("rtsp://a:${NONE}@h/", "the environment has no NONE; set it (export NONE=..., or EnvironmentFile= of the"),
        ("${EMPTY}", "nothing stands here; name a device (0)"),
        ("${PASSWORD}", "with the environment's values this is no device, URL, file or folder"),
        ("nonsense://${PASSWORD}", "with the environment's values this is no device, URL, file or folder"),
        (f"rtsp://a:${{{SECRET}-}}@h/", "a ${ without the name of a variable and }; write $${ for these two signs"),
        (f"rtsp://a:${{{SECRET}", "a ${ without the name of a variable and }"),
    ],
)
def test_what_the_environment_holds_is_never_told(file: Path, address: str, told_of_it: str) -> None:
    one_camera(file, f'detect: "{address}"')
    (line,) = told(read(file, environment={"PASSWORD": SECRET, "EMPTY": ""}))
    assert line.startswith(f"cameras.yaml:5:17: sites.yard.cameras.gate.detect: {told_of_it}")
    assert SECRET not in line


@pytest.mark.parametrize(
    "text",
    [
        f"sites: {{y: {{cameras: {{g: rtsp://a:{SECRET}@h/}}}}}}",
        f"sites: {{y: {{cameras: {{g: {{'rtsp://a:{SECRET}@h/': 1, detect: 0}}}}}}}}",
        f"sites: {{y: {{cameras: {{'rtsp://a:{SECRET}@h/': {{detect: 0}}}}}}}}",
        f"sites: {{y: {{cameras: {{g: {{detect: ['rtsp://a:{SECRET}@h/']}}}}}}}}",
        f"sites: {{y: {{cameras: {{g: {{detect: 'rtsq://a:{SECRET}@h/'}}}}}}}}",
        f"sites: {{y: {{cameras: {{g: {{detect: 'rtsp:/a:{SECRET}@h/'}}}}}}}}",
        f"sites: {{y: {{cameras: {{g: {{detect: 0, record: 'rtsp://a:{SECRET}@h/'}}}}}}}}",
        f"sites: {{y: {{cameras: {{g: {{detect: 'rtsp://a:{SECRET}@h/', rate: 'rtsp://a:{SECRET}@h/'}}}}}}}}",
        f"sites: {{{{y: {{{{timezone: 'rtsp://a:{SECRET}@h/', cameras: {{{{g: {{{{detect: 0}}}}}}}}}}}}}}}}",
        f"sites: {{{{y: {{{{cameras: {{{{g: {{{{detect: 0, schedule: 'rtsp://a:{SECRET}@h/'}}}}}}}}}}}}}}}}",
        f"sites: 'rtsp://a:{SECRET}@h/'",
    ],
)
def test_no_mistake_shows_a_password(file: Path, text: str) -> None:
    reading = read(write(file, text))
    assert reading.problems
    assert all(SECRET not in problem.line(file) for problem in (*reading.problems, *reading.warnings))
    assert SECRET not in repr(reading)


def test_a_password_in_the_file_is_warned_of(file: Path) -> None:
    one_camera(file, f"detect: rtsp://a:{SECRET}@h/\nrecord: rtsp://${{USER}}:${{PASSWORD}}@h/")
    environment = {"USER": "a", "PASSWORD": "b"}
    (warning,) = read(file, environment=environment).warnings
    assert (warning.place and warning.place.line, "chmod" in warning.text) == (5, False)
    file.chmod(0o644)
    (warning,) = read(file, environment=environment).warnings
    assert f"others on this machine may read it: chmod 600 {file}" in warning.text
    assert SECRET not in warning.text


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        (f"rtsp://h/user=a_password={SECRET}_channel=1", True),
        (f"http://h/x?token={SECRET}", True),
        ("http://h/x?token=${TOKEN}", False),
        ("rtsp://user@h/", False),
        ("rtsp://user:@h/", False),
        ("rtsp://h/password=", False),
    ],
)
def test_other_forms_of_passwords_are_seen(file: Path, address: str, warned: bool) -> None:
    one_camera(file, f"detect: {address}")
    assert bool(read(file, environment={"TOKEN": "x"}).warnings) is warned


def test_the_same_address_twice_is_warned_of(file: Path) -> None:
    write(file, f"sites: {{y: {{cameras: {{a: {{detect: {CAMERA}}}, b: {{detect: {CAMERA}}}}}}}}}")
    (warning,) = read(file).warnings
    assert warning.line(Path("c")).endswith(
        "sites.y.cameras.b.detect: the same address as in sites.y.cameras.a; is that meant?"
    )


def test_the_bundle_must_have_the_alarms(file: Path) -> None:
    more = "alarms: {firr: {threshold: 0.5}, smoke: {}}"
    one_camera(file, f"detect: {CAMERA}\nalarms: [fire, people]\ngate: {{never_for: [smok]}}", more)
    assert told(read(file, alarms=ALARMS)) == [
        "cameras.yaml:6:24: sites.yard.cameras.gate.alarms[1]: 'people' is no alarm of the bundle; there are fire, "
        "smoke",
        "cameras.yaml:7:28: sites.yard.cameras.gate.gate.never_for[0]: 'smok' is no alarm of the bundle; "
        "did you mean smoke?",
        "cameras.yaml:8:16: alarms.firr: 'firr' is no alarm of the bundle; did you mean fire?",
    ]
    assert read(file).settings is not None, "without a bundle nothing is known of alarms"


def test_names_that_are_not_there_are_told_though_other_values_are_wrong(file: Path) -> None:
    settings = f"detect: {CAMERA}\nrate: 5\nschedule: night\nalarms: [fier, 1]\ngate: {{never_for: smok}}"
    one_camera(file, settings, "schedules: {nights: {}}\nalarms: {firr: 0, fire: {schedule: nights}}")
    lines = told(read(file, alarms=ALARMS))
    assert [line.split(": ", 2)[1:] for line in lines if "did you mean" in line] == [
        ["sites.yard.cameras.gate.schedule", "unknown schedule 'night'; did you mean nights?"],
        ["sites.yard.cameras.gate.alarms[0]", "'fier' is no alarm of the bundle; did you mean fire?"],
        ["alarms.firr", "'firr' is no alarm of the bundle; did you mean fire?"],
    ]
    assert len(lines) == 8


def test_what_is_no_list_of_schedules_says_nothing_of_their_names(file: Path) -> None:
    (line,) = told(read(one_camera(file, f"detect: {CAMERA}\nschedule: night", "schedules: nights")))
    assert "schedules: takes keys with values" in line


def test_a_rate_at_which_no_alarm_could_be_raised_is_told(file: Path) -> None:
    one_camera(file, f"detect: {CAMERA}\nrate: 1/s")
    (line,) = told(read(file, alarms={"fire": AlarmSpec(classes=("fire",))}))
    assert line == (
        "cameras.yaml:6:15: sites.yard.cameras.gate.rate: too slow for alarm fire, which wants 3 looks within 2 s: "
        "give more than 1/s here, or alarms.fire.window more time"
    )
    one_camera(file, f"detect: {CAMERA}\nrate: 1/s", "alarms: {fire: {window: 5 s}}")
    assert read(file, alarms={"fire": AlarmSpec(classes=("fire",))}).settings is not None


@pytest.mark.parametrize(
    ("alarm", "told_of"),
    [
        (
            "{threshold: 0.95}",
            "alarms.fire.threshold: fire could never be raised: threshold 0.95, and no picture of the",
        ),
        ("{mean_threshold: 0.95}", "alarms.fire.mean_threshold: fire could never be raised: mean_threshold 0.95"),
        ("{low_threshold: 0.6}", "alarms.fire: thresholds are probabilities, and low_threshold is not over threshold"),
    ],
)
def test_a_rule_that_could_never_raise_is_told(file: Path, alarm: str, told_of: str) -> None:
    one_camera(file, f"detect: {CAMERA}", f"alarms: {{fire: {alarm}}}")
    (line,) = told(read(file, alarms=ALARMS))
    assert told_of in line
    assert read(file, alarms={"fire": AlarmSpec(classes=("fire",), threshold=0.7)}).settings is not None


def test_what_a_zone_reaches_is_not_known(file: Path) -> None:
    zones = "zones: {ramp: {alarms: [fire], polygon: [[0, 0], [1, 0], [1, 1]]}}"
    one_camera(file, f"detect: {CAMERA}\n{zones}", "alarms: {fire: {threshold: 0.95}}")
    assert read(file, alarms=ALARMS).settings is not None


def test_alarms_of_zones_and_modes_must_be_there(file: Path) -> None:
    zones = "zones: {ramp: {alarms: [fier], polygon: [[0, 0], [1, 0], [1, 1]]}}"
    modes = "modes: {home: {}, away: {schedule: night}}\nalarms: {fire: {modes: [awy]}}"
    one_camera(file, f"detect: {CAMERA}\n{zones}", modes)
    assert [line.split(": ", 2)[1:] for line in told(read(file, alarms=ALARMS))] == [
        ["sites.yard.cameras.gate.zones.ramp.alarms[0]", "'fier' is no alarm of the bundle; did you mean fire?"],
        ["modes.away.schedule", "unknown schedule 'night'; there are none"],
        ["alarms.fire.modes[0]", "unknown mode 'awy'; did you mean away?"],
    ]


@pytest.mark.parametrize(
    ("modes", "problem"),
    [
        (
            "{home: {}, away: {}}",
            "home and away both hold when no schedule does; leave out the schedule of exactly one",
        ),
        ("{home: {schedule: nights}}", "no mode holds when no schedule does"),
    ],
)
def test_exactly_one_mode_holds_when_no_schedule_does(file: Path, modes: str, problem: str) -> None:
    one_camera(file, f"detect: {CAMERA}", f"schedules: {{nights: {{periods: [{{}}]}}}}\nmodes: {modes}")
    (line,) = told(read(file))
    assert problem in line
