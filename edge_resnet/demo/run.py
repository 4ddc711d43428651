"""The demo: the whole main job on drawn pictures, from training to alarms held against the truth."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from edge_resnet import files, runs
from edge_resnet.demo.generate import TRUTH_NAME, generate_clips, generate_pictures
from edge_resnet.errors import UserError
from edge_resnet.progress import Narrator
from edge_resnet.train.args import Args
from edge_resnet.train.finetune import finetune, finished_report
from export.job import ExportJob, Int8Options, export
from export.package import PARITY_JSON
from runtime.backtest.clips import watch_clips
from runtime.backtest.judged import Judged, counts, total

SUMMARY = "summary.json"
# From no weights at all, ResNet-50 learns the drawn yards at this size in about three minutes on two cores: it takes
# some 900 steps before it tells a person from an empty yard, however few pictures a step has.
INPUT_HEIGHT, INPUT_WIDTH = 64, 112
EPOCHS, BATCH = 8, 8
_ANNOTATED_CLIP, _ANNOTATED_PICTURE = "annotated.mp4", "annotated.jpg"
_ANNOTATED_SOURCE = "fire_night.mp4"
# When the annotated picture is taken, in seconds after its alarm was raised.
_PICTURE_AFTER_S = 2.0


@dataclass(frozen=True)
class Demo:
    """A demo in its folder, which is a run's folder too. What a step has left there is used again."""

    out: Path
    narrator: Narrator
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """Run all steps; returns what summary.json holds. Raises UserError."""
        with self._step("draw"):
            self._draw()
        with self._step("train"):
            trained = self._train()
        with self._step("export"):
            parity = self._export()
        with self._step("watch"):
            clips = self._watch()
        picture = self._photograph(clips)
        summary = {
            "accuracy": trained["accuracy"],
            "accuracy_interval_95": trained["interval_95"],
            "test_pictures": trained["n"],
            "input": f"{INPUT_HEIGHT}x{INPUT_WIDTH}",
            "parity": parity,
            "events": counts(total(clips)),
            "clips": [clip.to_json() for clip in clips],
            "annotated_picture": picture,
            "annotated_clip": str(self.out / _ANNOTATED_CLIP),
            "seconds": round(sum(self.seconds.values()), 1),
            "seconds_by_step": self.seconds,
        }
        files.write_json(self.out / SUMMARY, summary)
        return summary

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started, 1)

    def _draw(self) -> None:
        # The truth is written last: when it is there, everything is.
        if (self.out / "clips" / TRUTH_NAME).exists():
            return
        with self.narrator.stage("drawing pictures") as step:
            generate_pictures(self.out / "pictures", progress=step)
        with self.narrator.stage("drawing clips") as step:
            generate_clips(self.out / "clips", progress=step)

    def _train(self) -> dict[str, Any]:
        report = finished_report(self.out)
        if report is None:
            size = f"{INPUT_HEIGHT}x{INPUT_WIDTH}"
            self.narrator.say(
                f"training from no weights at all, at {size} pixels: small and quick, good for this demo only"
            )
            pictures = str(self.out / "pictures")
            args = Args(
                data=pictures, weights="none", height=INPUT_HEIGHT, width=INPUT_WIDTH, epochs=EPOCHS, batch=BATCH
            )
            report = finetune(args, self.out, self.narrator) or {}
        trained: dict[str, Any] = report["stages"][-1]
        return trained

    def _export(self) -> str:
        """Export with the proof; the verdict."""
        bundle = self.out / runs.BUNDLE
        if not (bundle / PARITY_JSON).exists():
            bundle = export(ExportJob(self.out, bundle, fp16=True, int8=Int8Options()), self.narrator).folder
        verdict: str = json.loads((bundle / PARITY_JSON).read_text())["verdict"]
        if verdict != "pass":
            raise UserError(f"{bundle}: the proof failed; see {bundle / 'parity.html'}")
        return verdict

    def _watch(self) -> list[Judged]:
        annotated = {_ANNOTATED_SOURCE: self.out / _ANNOTATED_CLIP}
        bundle, events = self.out / runs.BUNDLE, self.out / "events.sqlite"
        return watch_clips(self.out / "clips", bundle, events, self.narrator.say, annotated)

    def _photograph(self, clips: list[Judged]) -> str | None:
        """Take a frame of the annotated clip while its alarm lasts; the picture's path, or None without an alarm."""
        raised = [event.raised_s for clip in clips if clip.name == _ANNOTATED_SOURCE for event in clip.events]
        if not raised:
            return None
        capture = cv2.VideoCapture(str(self.out / _ANNOTATED_CLIP))
        capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * (raised[0] + _PICTURE_AFTER_S))
        found, frame = capture.read()
        capture.release()
        if not found:
            return None
        picture = self.out / _ANNOTATED_PICTURE
        files.write_bytes(picture, cv2.imencode(".jpg", frame)[1].tobytes())
        return str(picture)
