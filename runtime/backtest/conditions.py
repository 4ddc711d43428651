"""Under which settings video is judged: as a camera of the configuration, or by the bundle's own rules alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge_resnet.errors import UserError
from edge_resnet.manifest import AlarmSpec, ModelSpec
from runtime.config.bundled import watch_addresses
from runtime.config.fill import Unset
from runtime.config.finding import instead
from runtime.config.load import load
from runtime.config.recording import RecordingSettings
from runtime.config.rules import rule_settings, rules
from runtime.config.settings import AlarmSettings, CameraSettings, GateSettings, SiteSettings, WatchSettings
from runtime.judge import Target
from runtime.rule_settings import RuleSettings

# What may follow a camera's name in the name of its clip, as in yard_gate_2026-11-24.mp4.
_ENDS = "_-. "


@dataclass(frozen=True)
class Conditions:
    """`config`: what is watched, None for the bundle's rules alone. `named`: the camera whose video it all is.

    `rate`: looks a second where no camera says it. Of a camera masks, zones, alarms and rate count. Its gate does not:
    which looks it leaves out depends on the rule. Schedules and modes do not either: clips are of any day.
    """

    config: WatchSettings | None = None
    named: str | None = None
    rate: float = 5.0
    _camera: CameraSettings = field(init=False)

    def __post_init__(self) -> None:
        cameras = self.config.cameras() if self.config is not None else {}
        if self.named is not None and self.named not in cameras:
            if not cameras:
                raise UserError(f"--camera {self.named}: name the configuration that it is in with --config")
            raise UserError(f"--camera {self.named}: no such camera; {instead(self.named, cameras)}")
        object.__setattr__(self, "_camera", CameraSettings(detect="-", rate=self.rate))

    @classmethod
    def read(cls, config: Path | None, model: ModelSpec, named: str | None, rate: float) -> Conditions:
        """From a file, checked against the bundle. Raises UserError."""
        if config is not None:
            # No camera is opened, so the passwords may be elsewhere.
            return cls(load(config, model.alarms, environment=Unset(), input=model.input), named, rate)
        # Of which camera does not matter.
        watch_addresses(("0",), rate, model.alarms)
        return cls(None, named, rate)

    def camera_of(self, name: str) -> str | None:
        """The camera that video belongs to: the one that was named, else the one whose name its own begins with.

        `name`: a clip's, without its suffix; a camera's / may stand there as _. None: of no camera.
        """
        if self.named is not None or self.config is None:
            return self.named
        plain = name.replace("/", "_")
        fitting = [camera for camera in self.config.cameras() if _begins(plain, camera.replace("/", "_"))]
        return max(fitting, key=len, default=None)

    def settings_of(self, name: str) -> CameraSettings:
        """The settings of the camera that video belongs to, as far as they count here."""
        camera = self.camera_of(name)
        if camera is None or self.config is None:
            return self._camera
        ungated = {"gate": GateSettings(), "schedule": None, "record": None}
        return self.config.cameras()[camera].model_copy(update=ungated)

    def watch(self, clip: Path) -> WatchSettings:
        """What the stream is to watch: this clip, under its name."""
        camera = self.settings_of(clip.stem).model_copy(update={"detect": str(clip)})
        unrecorded = RecordingSettings(snapshots=False, near_misses=False, clips=False)
        return self._settings(clip.name, camera).model_copy(update={"recording": unrecorded})

    def rules(self, name: str, alarms: Mapping[str, AlarmSpec]) -> dict[Target, RuleSettings]:
        """The targets in video of this name, and their rules. `alarms`: the bundle's."""
        camera = self.settings_of(name)
        return {
            target: rule.settings
            for target, rule in rules(self._settings(name, camera), camera, alarms).items()
            if camera.alarms is None or target.alarm in camera.alarms
        }

    def rules_of(self, alarms: Mapping[str, AlarmSpec]) -> dict[str, RuleSettings]:
        """The rule of each alarm, the same for all cameras; a zone may have thresholds of its own."""
        return {name: self.rule(name, alarm) for name, alarm in alarms.items()}

    def rule(self, alarm: str, spec: AlarmSpec) -> RuleSettings:
        """The rule of one alarm."""
        return rule_settings(spec, self._alarms().get(alarm, AlarmSettings()))

    def _settings(self, name: str, camera: CameraSettings) -> WatchSettings:
        return WatchSettings(sites={"": SiteSettings(cameras={name: camera})}, alarms=self._alarms())

    def _alarms(self) -> dict[str, AlarmSettings]:
        if self.config is None:
            return {}
        always = {"schedule": None, "modes": None}
        return {name: alarm.model_copy(update=always) for name, alarm in self.config.alarms.items()}


def _begins(name: str, camera: str) -> bool:
    return name.startswith(camera) and (len(name) == len(camera) or name[len(camera)] in _ENDS)
