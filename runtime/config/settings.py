"""What can be set of a watch, with units and defaults; each default says why it is what it is."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from edge_resnet.manifest import Probability
from runtime.config.attention import AttentionMode, LadderSettings
from runtime.config.base import Settings
from runtime.config.finding import Finding, Inconsistent
from runtime.config.name import PATTERN, Name
from runtime.config.recording import RecordingSettings, RetentionSettings
from runtime.config.references import ambiguous_modes, unknown_modes, unknown_schedules, unknown_sink_cameras
from runtime.config.schedule import Schedule
from runtime.config.sinks import AnySink
from runtime.config.timezone import zone
from runtime.config.units import PerSecond, Seconds
from runtime.severity import Severity
from runtime.sources.address import Address
from runtime.sources.hardware import Decoder
from runtime.sources.packets import pyav

# A corner of a polygon: shares of the picture's width and height, from the top left, so that every stream size fits.
Point = tuple[Annotated[float, Field(ge=0.0, le=1.0)], Annotated[float, Field(ge=0.0, le=1.0)]]
Polygon = Annotated[tuple[Point, ...], Field(min_length=3)]
Level = Annotated[float, Field(ge=0.0, le=255.0)]
Share = Annotated[float, Field(gt=0.0, le=1.0)]


def _device_number(value: Any) -> Any:
    """YAML takes `detect: 0` for a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


AddressText = Annotated[
    str, BeforeValidator(_device_number), Field(min_length=1), WithJsonSchema({"type": ["string", "integer"]})
]
TimeZone = Annotated[str, AfterValidator(lambda name: zone(name).key)]


class BlindnessSettings(Settings):
    """When a camera counts as blind. Times are how long the evidence must last; levels are of grey, 0 to 255."""

    stale_after: Seconds = 3.0
    """No frame; at 1 frame a second two may be lost."""
    offline_after: Seconds = 10.0
    """No frame, or no connection."""
    frozen_after: Seconds = 30.0
    """Not a pixel changes; encoders of quiet scenes repeat a picture for a GOP, which may be 10 s long."""
    black_after: Seconds = 5.0
    """Darker than black_level."""
    overexposed_after: Seconds = 5.0
    """Brighter than overexposed_level."""
    out_of_focus_after: Seconds = 10.0
    """Less sharp than focus_share; a lens needs some seconds to find its focus again."""
    recover_after: Seconds = 2.0
    """How long all must be well again before the camera counts as live."""
    black_level: Level = 20.0
    """98% of the picture is darker than this level of grey."""
    overexposed_level: Level = 235.0
    """98% of the picture is brighter than this level of grey."""
    focus_share: Share = 0.25
    """The sharpness has fallen under this share of what this camera usually has."""

    @model_validator(mode="after")
    def _stale_before_offline(self) -> BlindnessSettings:
        if self.stale_after >= self.offline_after:
            text = f"{self.offline_after:g} s is not after stale_after ({self.stale_after:g} s); give it a longer time"
            raise Inconsistent([Finding(("offline_after",), text)])
        return self


class GateSettings(Settings):
    """When a frame is worth a look: motion on a small grey picture against a running mean."""

    enabled: bool = False
    """Off by default: every due frame is looked at."""
    threshold: Level = 30.0
    """Levels of grey by which a point must differ, after the contrast stretch."""
    min_area: Share = 0.002
    """Share of the picture that must differ."""
    lightning: Share = 0.8
    """More than this share of the picture at once is light, not motion."""
    memory: Seconds = 20.0
    """Time constant of the running mean."""
    hold_open: Seconds = 5.0
    """How long looks go on after motion, or after a look that found something."""
    never_for: tuple[str, ...] = ()
    """Alarms for which the gate leaves nothing out, such as slow smoke; the ladder leaves out all but key frames."""


class AlarmSettings(Settings):
    """What a watch changes of an alarm of the bundle; what is left out keeps the bundle's value, or the rule's."""

    threshold: Probability | None = None
    """A look counts from this probability on, 0 to 1."""
    mean_threshold: Probability | None = None
    """The mean probability of the looks in the window must reach this, 0 to 1."""
    window: Seconds | None = None
    """The time whose looks decide."""
    low_threshold: Probability | None = None
    """An alarm that is held goes on from this probability on, 0 to 1; 0.8 of the threshold, when left out."""
    share: Share | None = None
    """This share of the looks in the window must reach the threshold, 0 to 1; where they did not come steadily, of
    their time too.
    """
    min_looks: Annotated[int, Field(ge=1, le=1000)] | None = None
    """So many looks must lie in the window."""
    min_duration: Seconds | None = None
    """What is seen must have lasted so long before it is raised; when left out, the window alone decides."""
    quiet: Seconds | None = None
    """The alarm is over after so long without anything."""
    cooldown: Seconds | None = None
    """So long nothing is raised after an alarm is over."""
    schedule: str | None = None
    """When this alarm is armed: one of `schedules`; always, when left out."""
    modes: tuple[str, ...] | None = None
    """In which of `modes` this alarm is armed; in all, when left out."""
    severity: Severity = "warning"
    """How bad it is: info, warning or critical; sinks may leave out what is less."""


class ZoneSettings(Settings):
    """A part of a camera's picture."""

    polygon: Polygon
    """Its corners, [x, y] each, 0 to 1 from the top left."""
    alarms: Annotated[tuple[str, ...], Field(min_length=1)]
    """Alarms that this camera judges by the evidence in this zone, and no longer by the whole picture."""
    threshold: Probability | None = None
    """As of the alarms, for this zone alone: what a scene says of itself differs from place to place."""
    mean_threshold: Probability | None = None
    """As of the alarms, for this zone alone; the threshold given here, when left out."""


class ModeSettings(Settings):
    """A state of the whole place, such as home and away."""

    schedule: str | None = None
    """When it is in force by itself: one of `schedules`; the mode without one holds otherwise."""


class CameraSettings(Settings):
    """One camera."""

    detect: AddressText = Field(repr=False)
    """What is classified: a device's number, a URL (rtsp://...), a video file, a folder of pictures. The camera's small
    stream is enough. ${NAME} is filled in from the environment; files are sought beside this configuration.
    """
    record: AddressText | None = Field(default=None, repr=False)
    """A larger stream of the same camera, for people's eyes."""
    rate: PerSecond = 5.0
    """Looks a second."""
    max_age: Seconds = 2.0
    """A frame older than this is never classified."""
    heartbeat: Seconds = 10.0
    """At least so often a frame is classified, whatever the gate and the ladder say."""
    attention: AttentionMode = "full"
    """`full`: all frames are decoded, and `rate` a second are looked at. `ladder`: while there is a reason to; else
    key frames alone, and of sources without packets (USB, HTTP, folders) what passes the gate.
    """
    decoder: Literal[Decoder, "opencv"] = "cpu"
    """What decodes RTSP, and files on the ladder: `cpu`, `auto` (hardware that proves to work here, else the
    processor), or `cuda`, `qsv`, `vaapi`, `videotoolbox` by name, without which the camera is offline. `opencv`: OpenCV
    reads the camera, with its own options, as it does where PyAV is not installed.
    """
    ladder: LadderSettings = LadderSettings()
    """When a camera is watched, of which only key frames are looked at else."""
    alarms: tuple[str, ...] | None = None
    """Which of the bundle's alarms may be raised here; all, when left out."""
    schedule: str | None = None
    """When this camera is armed: one of `schedules`; always, when left out."""
    masks: tuple[Polygon, ...] = ()
    """Polygons that are blanked before anything is classified, stored or shown: lists of [x, y], each 0 to 1 from the
    top left.
    """
    zones: dict[Name, ZoneSettings] = Field(
        default={}, json_schema_extra={"propertyNames": {"pattern": f"^{PATTERN}$"}}
    )
    """Parts of the picture in which alarms are judged by the evidence there; they need a map of 7x7 cells (224 px)."""
    open_timeout: Seconds = 8.0
    """How long a connection may take (OpenCV's own limit is 30 s)."""
    read_timeout: Seconds = 5.0
    """How long no frame may come before the connection is made anew (OpenCV's own limit is 30 s)."""
    blindness: BlindnessSettings = BlindnessSettings()
    """When this camera counts as blind."""
    gate: GateSettings = GateSettings()
    """When a frame is worth a look."""

    @property
    def on_ladder(self) -> bool:
        """Whether its frames may be passed over undecoded."""
        return self.attention == "ladder" and Address.parse(self.detect).has_packets

    @property
    def packet_decoder(self) -> Decoder | None:
        """What decodes its packets, which PyAV reads; None where OpenCV reads it."""
        if self.decoder == "opencv":
            return None
        by_packets = self.on_ladder or (Address.parse(self.detect).is_rtsp and pyav() is not None)
        return self.decoder if by_packets else None

    @model_validator(mode="after")
    def _zones_are_of_its_alarms(self) -> CameraSettings:
        unwatched = [
            Finding(("zones", name, "alarms"), f"this camera does not watch for {alarm}; name it in its alarms too")
            for name, zone in self.zones.items()
            for alarm in zone.alarms
            if self.alarms is not None and alarm not in self.alarms
        ]
        if unwatched:
            raise Inconsistent(unwatched)
        return self


class SiteSettings(Settings):
    """A place with cameras."""

    timezone: TimeZone | None = None
    """Of its schedules, as in the IANA database (Europe/Berlin); the box's own, when left out."""
    cameras: dict[Name, CameraSettings] = Field(
        min_length=1, json_schema_extra={"propertyNames": {"pattern": f"^{PATTERN}$"}}
    )
    """Its cameras by name."""


class WatchSettings(Settings):
    """All of cameras.yaml."""

    sites: dict[Name, SiteSettings] = Field(
        min_length=1, json_schema_extra={"propertyNames": {"pattern": f"^{PATTERN}$"}}
    )
    """The places that are watched, by name."""
    alarms: dict[str, AlarmSettings] = Field(default={})
    """What is changed of the bundle's alarms, by their names."""
    schedules: dict[str, Schedule] = Field(default={})
    """When something is armed, by a name that alarms, cameras and modes give."""
    modes: dict[Name, ModeSettings] = Field(
        default={}, json_schema_extra={"propertyNames": {"pattern": f"^{PATTERN}$"}}
    )
    """States of the place, such as home and away; `edge-resnet arm away` puts one in force whatever the time is."""
    sinks: dict[Name, AnySink] = Field(
        default={}, repr=False, json_schema_extra={"propertyNames": {"pattern": f"^{PATTERN}$"}}
    )
    """What alarms are delivered to, by a name of yours."""
    down_after: Seconds = 30.0
    """A camera that sees nothing for so long is told to be down; most outages are shorter, and nobody need get up."""
    up_after: Seconds = 10.0
    """A camera that was told to be down is told to be up when it has seen for so long."""
    recording: RecordingSettings = RecordingSettings()
    """What is kept of events beside their rows."""
    retention: RetentionSettings = RetentionSettings()
    """For how long what is kept is kept."""
    max_wait: Seconds = 0.05
    """How long a due frame waits for others to share its batch."""
    max_batch: Annotated[int, Field(ge=1, le=256)] = 8
    """The most frames that are classified at once."""

    @model_validator(mode="after")
    def _schedules_exist(self) -> WatchSettings:
        data = self.model_dump()
        references = (unknown_schedules, unknown_modes, ambiguous_modes, unknown_sink_cameras)
        if unknown := [finding for of in references for finding in of(data)]:
            raise Inconsistent(unknown)
        return self

    def cameras(self) -> dict[str, CameraSettings]:
        """All cameras by the name they go by everywhere: `site/camera`; without a site's name, just `camera`."""
        return {name: camera for name, (_, camera) in self.placed_cameras().items()}

    def placed_cameras(self) -> dict[str, tuple[SiteSettings, CameraSettings]]:
        """All cameras by the name they go by everywhere, each with its site. Asked at every look: made once."""
        return self._placed

    @cached_property
    def _placed(self) -> dict[str, tuple[SiteSettings, CameraSettings]]:
        return {
            f"{site}/{name}" if site else name: (each, camera)
            for site, each in self.sites.items()
            for name, camera in each.cameras.items()
        }
