"""`edge-resnet zones`: the zones of a camera, shown on its picture, added and removed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_resnet.cli import options
from edge_resnet.command import Exit, answer_json, say
from edge_resnet.errors import UserError

if TYPE_CHECKING:
    from edge_resnet.manifest import InputSpec, ModelSpec
    from edge_resnet.preprocess import Frame
    from runtime.config.settings import CameraSettings

_DIGITS = 4
_FEWEST_CORNERS = 3
# The first picture of some cameras is grey or torn.
_PICTURES = 5

Corner = tuple[float, float]


@dataclass(frozen=True)
class _Place:
    """A `camera` by its full name, its settings, and where it stands in `config`."""

    config: Path
    camera: str
    settings: CameraSettings
    path: tuple[str, ...]


def zones(
    camera: Annotated[str, typer.Argument(help="By its full name, such as yard/gate.")],
    config: Annotated[Path, typer.Option(help="The configuration that it stands in.")] = Path("cameras.yaml"),
    add: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A new zone, or other corners of one; without --points click them."),
    ] = None,
    alarms: Annotated[str | None, typer.Option(help="With --add: the alarms judged in it, comma separated.")] = None,
    points: Annotated[
        str | None,
        typer.Option(metavar='"X,Y X,Y ..."', help="With --add: its corners, 0 to 1 from the top left, or in pixels."),
    ] = None,
    remove: Annotated[str | None, typer.Option(metavar="NAME", help="Remove this zone.")] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw on this picture, and leave the camera alone.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="The bundle that will watch; by default the newest under runs/, else 224x224.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Save the drawing (PNG or JPEG).")
    ] = None,
    json: options.Json = False,
) -> None:
    """Show the zones of a camera, draw one, or remove one; the configuration is changed where it stands."""
    from runtime.config.edit import remove_value

    _check(add, alarms, points, remove, out)
    place, model = _place(config, camera), _model(bundle)
    seen = out is not None or (add is not None and (points is None or _in_pixels(points)))
    image = _picture(place, picture) if seen else None
    if add is not None:
        corners = _clicked(place, image, add, _input(model)) if points is None else _corners(points, image)
        if not corners:
            say("left without a change")
            raise typer.Exit(Exit.VERDICT_NO)
        place = _add(place, add, corners, options.names(alarms), model)
    if remove is not None:
        if remove not in place.settings.zones:
            raise UserError(f"--remove {remove}: {_there(place)}")
        _tell_fallen(remove_value(config, (*place.path, "zones", remove)))
        place = _place(config, camera)
    if out is not None and image is not None:
        _save(out, image, place, _input(model))
    if json:
        answer_json(_answer(place, model, out))
    else:
        _print(place, _input(model), add or remove)


def _check(add: str | None, alarms: str | None, points: str | None, remove: str | None, out: Path | None) -> None:
    if add is not None and remove is not None:
        raise UserError("--add and --remove: choose one of them")
    if add is None and (alarms is not None or points is not None):
        raise UserError("--alarms and --points belong to --add NAME")
    if out is not None and out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UserError(f"--out {out}: takes a picture, .png or .jpg")


def _place(config: Path, camera: str) -> _Place:
    from runtime.config.fill import Unset
    from runtime.config.finding import instead
    from runtime.config.load import load

    # As long as nothing is opened, the passwords may be elsewhere.
    settings = load(config, environment=Unset())
    for site, each in settings.sites.items():
        for name, found in each.cameras.items():
            if camera == f"{site}/{name}":
                return _Place(config, camera, found, ("sites", site, "cameras", name))
    raise UserError(f"{config}: no camera {camera}; {instead(camera, settings.cameras())}")


def _model(bundle: Path | None) -> ModelSpec | None:
    """What the bundle says of itself; None where none is named and none is found."""
    from edge_resnet import runs
    from edge_resnet.bundle import Bundle

    if bundle is not None:
        return Bundle.open(bundle).model
    try:
        newest = runs.newest_bundle()
    except UserError:
        say("no bundle here: zones are checked for an input of 224x224 (--bundle names the one that will watch)")
        return None
    say(f"bundle: {newest} (the newest; --bundle names another)")
    return Bundle.open(newest).model


def _input(model: ModelSpec | None) -> InputSpec:
    from edge_resnet.manifest import InputSpec

    return InputSpec(height=224, width=224) if model is None else model.input


def _picture(place: _Place, picture: Path | None) -> Frame:
    """The camera's picture, or the one that was named, without what is masked."""
    from edge_resnet.pictures import read_picture
    from runtime.cameras.mask import Mask

    image = _grab(place) if picture is None else read_picture(picture)
    Mask(place.settings.masks).blank(image)
    return image


def _grab(place: _Place) -> Frame:
    from runtime.config.load import load
    from runtime.sources import open_source
    from runtime.sources.address import Address

    settings = load(place.config).cameras()[place.camera]
    source = open_source(Address.parse(settings.detect), settings.open_timeout, settings.read_timeout)
    image: Frame | None = None
    try:
        for _ in range(_PICTURES):
            if source.grab() is None:
                break
            newest = source.retrieve()
            image = image if newest is None else newest
    finally:
        source.close()
    if image is None:
        raise UserError(f"camera {place.camera}: gave no picture; name one with --picture FILE")
    return image


def _in_pixels(points: str) -> bool:
    return any(number > 1.0 for corner in _numbers(points) for number in corner)


def _numbers(points: str) -> list[Corner]:
    try:
        return [(float(x), float(y)) for x, y in (corner.split(",") for corner in points.split())]
    except ValueError:
        raise UserError(f'--points {points}: takes x,y for each corner, such as "0.1,0.2 0.5,0.2 0.5,0.9"') from None


def _corners(points: str, image: Frame | None) -> tuple[Corner, ...]:
    """Corners as shares of the picture. Raises UserError for those outside of it."""
    corners = _numbers(points)
    if len(corners) < _FEWEST_CORNERS:
        raise UserError(f"--points {points}: a zone has at least three corners")
    if image is not None and _in_pixels(points):
        height, width = image.shape[:2]
        corners = [(x / width, y / height) for x, y in corners]
        size = f", which has {width}x{height} pixels"
    else:
        size = ""
    if any(not 0.0 <= number <= 1.0 for corner in corners for number in corner):
        raise UserError(f"--points {points}: a corner lies outside of the picture{size}")
    return tuple(corners)


def _clicked(place: _Place, image: Frame | None, name: str, given: InputSpec) -> tuple[Corner, ...]:
    from edge_resnet.cli.corners import click

    assert image is not None
    return click(_drawn(image, place, given, without=name), name, f"zones of {place.camera}")


def _add(
    place: _Place, name: str, corners: tuple[Corner, ...], alarms: tuple[str, ...] | None, model: ModelSpec | None
) -> _Place:
    """Write a zone, and give the camera as it is then."""
    from runtime.config.edit import set_values
    from runtime.config.finding import instead
    from runtime.zones import fault

    before = place.settings.zones.get(name)
    named = alarms or (before.alarms if before else ())
    if not named:
        raise UserError(f"--add {name}: which alarms are judged in it? name them with --alarms fire,smoke")
    if model is not None and (unknown := [alarm for alarm in named if alarm not in model.alarms]):
        raise UserError(f"--alarms {unknown[0]}: no alarm of the bundle; {instead(unknown[0], model.alarms)}")
    polygon = [[round(x, _DIGITS), round(y, _DIGITS)] for x, y in corners]
    if wrong := fault([(x, y) for x, y in polygon], _input(model)):
        raise UserError(f"zone {name}: {wrong}")
    zone = (*place.path, "zones", name)
    _tell_fallen(set_values(place.config, {(*zone, "polygon"): polygon, (*zone, "alarms"): list(named)}))
    return _place(place.config, place.camera)


def _tell_fallen(comments: list[str]) -> None:
    """What the file no longer says, for who wants to write it elsewhere."""
    for comment in comments:
        say(f"this comment fell with what it stood in: {comment}")


def _drawn(image: Frame, place: _Place, given: InputSpec, without: str | None = None) -> Frame:
    """A copy with the zones' outlines, and the cells of the map."""
    from edge_resnet import overlay
    from runtime.zones import map_size

    drawn: Frame = image.copy()
    overlay.draw_cells(drawn, *map_size(given.height, given.width), given.preprocess)
    for name, zone in place.settings.zones.items():
        if name != without:
            overlay.draw_zone(drawn, zone.polygon, f"{name}: {', '.join(zone.alarms)}")
    return drawn


def _save(out: Path, image: Frame, place: _Place, given: InputSpec) -> None:
    import cv2

    from edge_resnet import files

    done, data = cv2.imencode(out.suffix.lower(), _drawn(image, place, given))
    if not done:
        raise UserError(f"--out {out}: OpenCV cannot write such a picture; take .png")
    files.write_bytes(out, data.tobytes())


def _cells(polygon: tuple[Corner, ...], given: InputSpec) -> float:
    """How many cells of the map a zone covers, in a frame of 16:9."""
    from runtime.zones import Coverage, map_size

    cells = map_size(given.height, given.width)
    return Coverage.of(polygon, given.preprocess, (1080, 1920), cells).area_cells


def _answer(place: _Place, model: ModelSpec | None, out: Path | None) -> dict[str, Any]:
    from runtime.zones import map_size

    given = _input(model)
    return {
        "camera": place.camera,
        "config": str(place.config),
        "input": f"{given.height}x{given.width}",
        "map": map_size(given.height, given.width),
        "zones": {
            name: {
                "polygon": zone.polygon,
                "alarms": zone.alarms,
                "cells": round(_cells(zone.polygon, given), 2),
            }
            for name, zone in place.settings.zones.items()
        },
        "picture": None if out is None else str(out),
    }


def _there(place: _Place) -> str:
    names = ", ".join(place.settings.zones)
    return f"{place.camera} has no such zone; there are {names}" if names else f"{place.camera} has no zones"


def _print(place: _Place, given: InputSpec, changed: str | None) -> None:
    from runtime.zones import map_size

    rows, columns = map_size(given.height, given.width)
    if not place.settings.zones:
        typer.echo(f"{place.camera}: no zones; all alarms are judged by the whole picture")
    for name, zone in place.settings.zones.items():
        cells = _cells(zone.polygon, given)
        typer.echo(f"{place.camera}: {name}: {', '.join(zone.alarms)}, {cells:.1f} of {rows * columns} cells")
    if changed is not None:
        typer.echo(f"{place.config}: written; a stream that runs takes it when it is reloaded (SIGHUP)")
