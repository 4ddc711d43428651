"""The stream as a program of its own for tests, with a network that sees brightness: told, asked and listened to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from tests.stand_ins import write_bundle

ROOT = Path(__file__).resolve().parents[2]
# The real program but for the network, which is replaced before anything is opened. `{before}`: more that is to be odd.
_PROGRAM = """
import sys
sys.path.insert(0, {root!r})
import runtime.trust
from tests.stand_ins import choose_brightness
runtime.trust.choose = choose_brightness
{before}
from edge_resnet import command
from runtime.stream import main
# As the real program ends: threads that hang in a library are not waited for.
command.leave(main())
"""
_PATIENCE_S = 30.0


def program(before: str = "") -> str:
    """Python code that is the stream with a stand-in for the network."""
    return _PROGRAM.format(root=str(ROOT), before=before)


class Stream:
    """A running stream, as a context manager; its cameras come from a configuration that can be rewritten.

    `lines`: what it wrote with --jsonl, `log`: its log, both as JSON objects, in order.
    """

    def __init__(
        self,
        folder: Path,
        cameras: Mapping[str, Mapping[str, Any]],
        *arguments: str,
        before: str = "",
        bundle: Path | None = None,
        environment: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        """`cameras`: by name, as in cameras.yaml, at the site `here`; `more` of that file. `before`: code to run first.
        `bundle`: a real one, watched with by a real engine; by default the stand-in's. `environment`: added to ours.
        """
        self.folder = folder
        self.lines: list[dict[str, Any]] = []
        self.log: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._program = ["-c", program(before)] if bundle is None else [str(ROOT / "runtime" / "stream.py")]
        self._environment = dict(environment or {})
        self._arguments = ("--bundle", str(bundle or folder / "bundle"), *arguments)
        if bundle is None and not (folder / "bundle").exists():
            write_bundle(folder / "bundle")
        self.configure(cameras, **more)

    def configure(self, cameras: Mapping[str, Mapping[str, Any]], **more: Any) -> None:
        """Write the configuration; a running stream reads it after `send(SIGHUP)`."""
        settings = {"sites": {"here": {"cameras": {name: dict(camera) for name, camera in cameras.items()}}}, **more}
        (self.folder / "cameras.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))

    def __enter__(self) -> Stream:
        command = [sys.executable, *self._program, "--config", "cameras.yaml", *self._arguments]
        command += ["--jsonl", "-", "--metrics", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self._environment},
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._threads = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.lines)),
            threading.Thread(target=self._read, args=(self.process.stderr, self.log)),
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()

    def send(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.process.pid, number)

    def end(self) -> int:
        """Ask it to end as systemd does, and give its exit code."""
        self.send(signal.SIGTERM)
        return self.process.wait(_PATIENCE_S)

    def looks(self, camera: str, since: int = 0) -> list[dict[str, Any]]:
        """Looks at a camera, of the lines from number `since` on."""
        with self._news:
            return [
                line for line in self.lines[since:] if line["type"] == "look" and line["camera"] == f"here/{camera}"
            ]

    def incidents(self, camera: str) -> list[tuple[str, str]]:
        """What befell a camera: (began or ended, kind)."""
        with self._news:
            found = [line for line in self.lines if line["type"] == "incident" and line["camera"] == f"here/{camera}"]
        return [(line["what"], line["kind"]) for line in found]

    def until(self, holds: Callable[[], bool], patience_s: float = _PATIENCE_S) -> None:
        """Wait until something holds that lines or log can change."""
        until_s = time.monotonic() + patience_s
        while not holds():
            assert time.monotonic() < until_s, f"never so; log: {self.log[-5:]}"
            assert self.process.poll() is None, self.log[-5:]
            with self._news:
                self._news.wait(0.05)

    def until_looks(self, camera: str, count: int = 1, patience_s: float = _PATIENCE_S) -> None:
        """Wait for so many looks at a camera from now on."""
        begun = len(self.lines)
        self.until(lambda: len(self.looks(camera, begun)) >= count, patience_s)

    def status(self) -> dict[str, dict[str, Any]]:
        """What /readyz says of the cameras, by name."""
        answer = json.loads(self.ask("/readyz"))
        return {camera["name"].removeprefix("here/"): camera for camera in answer["cameras"]}

    def ask(self, path: str) -> str:
        """What its HTTP server answers, whatever the code."""
        self.until(lambda: bool(self._port()))
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port()}{path}", timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def _port(self) -> int:
        with self._news:
            return next((entry["port"] for entry in self.log if entry.get("event") == "listening"), 0)

    def _read(self, pipe: Any, into: list[dict[str, Any]]) -> None:
        for line in pipe:
            with self._news:
                into.append(json.loads(line) if line.startswith("{") else {"event": line.rstrip()})
                self._news.notify_all()
