"""The stream as a program: what is on standard output, the exit codes, the signals; with a stand-in for the network."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import pytest

from runtime import session, stream
from tests.rig.stream import ROOT, program
from tests.stand_ins import BRIGHT, DARK, choose_brightness, write_bundle, write_clip

ONE_FIRE = [DARK] * 30 + [BRIGHT] * 40 + [DARK] * 80


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program(), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def call(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> int:
    """The program within this process, which is faster; it must not be for what ends a process."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["stream.py", *arguments])
    return stream.main()


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def stored(path: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT alarm, started_s, raised_s, ended_s FROM events ORDER BY rowid").fetchall()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place to work in, with a bundle where a run leaves it, and a clip of one fire."""
    write_bundle(tmp_path / "runs" / "yard" / "bundle")
    write_clip(tmp_path / "clip.avi", ONE_FIRE)
    return tmp_path


def test_a_clip_from_beginning_to_summary(folder: Path) -> None:
    done = run(folder, "--camera", "clip.avi", "--json", "--jsonl", "lines.jsonl", "--save", "out.mp4")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    (event,), (camera,) = summary.pop("events"), summary.pop("cameras")
    assert summary == {"bundle": "runs/yard/bundle", "backend": "opencv", "precision": "fp32", "seconds": 14.9}
    told = {key: camera[key] for key in ("name", "state", "frames", "looks", "dropped", "reconnects")}
    assert told == {
        "name": "clip.avi",
        "state": "live",
        "frames": 150,
        "looks": 75,
        "dropped": {},
        "reconnects": 0,
    }
    assert (event["alarm"], event["started_s"], event["ended_s"]) == ("fire", 3.0, pytest.approx(6.8))
    assert stored(folder / "events.sqlite") == [("fire", 3.0, event["raised_s"], event["ended_s"])]
    kinds = [json.loads(line)["type"] for line in (folder / "lines.jsonl").read_text().splitlines()]
    assert (kinds.count("look"), kinds.count("event")) == (75, 2)
    assert "runs/yard/bundle (the newest" in done.stderr
    assert "ALARM fire at" in done.stderr
    assert (folder / "out.mp4").stat().st_size > 0


def test_the_one_file_of_a_configuration_is_saved_with_its_own_times(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "watch", partial(session.watch, choose=choose_brightness))
    (folder / "cameras.yaml").write_text("sites: {here: {cameras: {yard: {detect: clip.avi}}}}\n")
    saved = []
    for source in (["--camera", "clip.avi"], ["--config", "cameras.yaml"]):
        assert call(monkeypatch, folder, *source, "--save", "out.mp4", "--events", f"{len(saved)}.sqlite") == 0
        clip = cv2.VideoCapture(str(folder / "out.mp4"))
        saved.append([clip.get(cv2.CAP_PROP_POS_MSEC) for _ in iter(clip.grab, False)])
        shape = clip.get(cv2.CAP_PROP_FRAME_WIDTH), clip.get(cv2.CAP_PROP_FRAME_HEIGHT)
        clip.release()
    alone, configured = saved
    assert configured == alone
    assert (len(alone), alone[-1]) == (150, pytest.approx(14_900.0))
    assert shape == (64.0, 48.0)


def test_a_clip_too_slow_for_any_alarm_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(session, "watch", partial(session.watch, choose=choose_brightness))
    write_clip(folder / "slow.avi", [BRIGHT] * 20, fps=0.5)
    assert call(monkeypatch, folder, "--camera", "slow.avi") == 0
    err = capfd.readouterr().err
    assert "too few frames a second for an alarm" in err
    assert "0 events" in err


def test_lines_on_standard_output_are_json_and_nothing_else(folder: Path) -> None:
    done = run(folder, "--camera", "clip.avi", "--jsonl", "-", "--rate", "10")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(line["type"] == "look" for line in lines) == 150


def test_a_reader_that_leaves_ends_the_stream_without_a_traceback_and_keeps_the_event(folder: Path) -> None:
    process = start(folder, "--camera", "clip.avi", "--jsonl", "-")
    assert process.stdout is not None
    assert process.stderr is not None
    while '"raised"' not in process.stdout.readline():
        pass
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.wait(timeout=30)
    process.stderr.close()
    assert stored(folder / "events.sqlite")[0][3] is not None


@pytest.fixture
def endless(folder: Path) -> Iterator[str]:
    """The address of a camera that never ends and shows a fire: a clip served at its own pace would end."""
    clip = write_clip(folder / "long.avi", [BRIGHT] * 8_000, fps=1000.0).read_bytes()
    off = threading.Event()

    class Slow(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            for start_byte in range(0, len(clip), 4096):
                if off.wait(0.01):
                    return
                try:
                    self.wfile.write(clip[start_byte : start_byte + 4096])
                except OSError:
                    return

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/long.avi"
        off.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_signals_end_it_with_clip_and_events_whole(folder: Path, endless: str, number: int, code: int) -> None:
    process = start(folder, "--camera", endless, "--save", "out.mp4", "--json")
    assert process.stderr is not None
    while "ALARM" not in (line := process.stderr.readline()):
        assert line, "ended before the alarm"
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert len(json.loads(out)["events"]) == 1
    assert stored(folder / "events.sqlite")[0][3] is not None
    assert (folder / "out.mp4").stat().st_size > 0
    assert not list(folder.glob(".out*"))


def test_ctrl_c_while_an_engine_is_being_opened_ends_it_at_once(folder: Path) -> None:
    slow = "import threading; runtime.trust.choose = lambda *_, **__: threading.Event().wait(300)"
    process = subprocess.Popen(
        [sys.executable, "-c", program(slow), "--camera", "clip.avi"], cwd=folder, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    while "watching" not in (line := process.stderr.readline()):
        assert line, "ended before it began"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--camera", "nothing.mp4"], "no such file"),
        (["--camera", "ftp://u:s3cr3t@127.0.0.1:1/x"], "***@127.0.0.1:1"),
        (["--camera", "clip.avi", "--config", "cameras.yaml"], "not both"),
        (["--camera", "clip.avi", "--save", "clip.mp4", "--jsonl", "./clip.mp4"], "is --jsonl too"),
        (["--camera", "clip.avi", "--jsonl", "clip.avi"], "is read in this run"),
        (["--camera", "clip.avi", "--camera", "clip.avi", "--save", "o.mp4"], "one at a time"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--camera", "clip.avi", "--metrics", "9108"], "HOST:PORT"),
        (["--camera", "clip.avi", "--bundle", "nowhere"], "nowhere: no such folder"),
        (["--camera", "clip.avi", "--backend", "foo"], "backend foo: unknown"),
        (["--camera", "clip.avi", "--precision", "int9"], "--precision int9: unknown"),
        (["--camera", "clip.avi", "--rate", "0"], "--rate"),
        (["--camera", "clip.avi", "--rate", "1"], "too slow for alarm fire"),
        (["--camera", "clip.avi", "--max-seconds", "0"], "--max-seconds"),
        (["--camera", "clip.avi", "--save", "out.avi"], ".mp4"),
        (["--camera", "clip.avi", "--json", "--jsonl", "-"], "both want standard output"),
        (["--camera", "clip.avi", "--events", "runs/yard/bundle/manifest.json"], "not an event store"),
        (["--camera", "clip.avi", "--jsonl", "clip.avi/x"], "clip.avi"),
        ([], "camera"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.setattr(session, "watch", partial(session.watch, choose=choose_brightness))
    assert call(monkeypatch, folder, *arguments) == 2
    out, err = capfd.readouterr()
    last = err.splitlines()[-1]
    assert out == ""
    assert last.startswith("edge-resnet: ")
    assert says in last
    assert "s3cr3t" not in err
    assert "watching" not in err


def test_without_a_bundle_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_clip(tmp_path / "clip.avi", [DARK])
    assert call(monkeypatch, tmp_path, "--camera", "clip.avi") == 2
    assert "edge-resnet export" in capfd.readouterr().err


def test_as_a_script_its_own_folder_shadows_nothing(tmp_path: Path) -> None:
    script = ROOT / "runtime" / "stream.py"
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    probe = (
        f"import runpy, sys; sys.path[0] = {str(script.parent)!r}; sys.argv = ['stream.py', '--help']\n"
        f"try: runpy.run_path({str(script)!r}, run_name='__main__')\n"
        "except SystemExit as end: print(end.code)\n"
        "print(sys.path[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
    )
    *_, code, first = done.stdout.splitlines()
    assert (code, first) == ("0", str(ROOT)), done.stderr
    script_help = subprocess.run(
        [sys.executable, str(script), "--help"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
    )
    assert script_help.returncode == 0, script_help.stderr
    assert "--camera" in script_help.stdout


def test_its_door_imports_nothing_heavy() -> None:
    probe = "import sys, runtime.stream; print(sorted({'cv2', 'numpy', 'torch', 'av', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_whole_runtime_imports_no_training(folder: Path) -> None:
    probe = (
        "import sys, runtime.session;"
        "print(sorted({'torch', 'torchvision', 'matplotlib', 'export', 'edge_resnet.train', 'av'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
