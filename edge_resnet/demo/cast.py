"""Puts a script's people, animals, vehicles, fire and weather on their places in a yard."""

import numpy as np

from edge_resnet.demo.actors import Actor, Cat, Traffic, Wind
from edge_resnet.demo.camera import Colour
from edge_resnet.demo.figure import CLOTHES, SKIN, TROUSERS, Figure
from edge_resnet.demo.fire import Blaze
from edge_resnet.demo.script import Kind, Nuisance, Script
from edge_resnet.demo.smoke import Plume
from edge_resnet.demo.vehicle import Vehicle
from edge_resnet.demo.weather import Clouds, Rain
from edge_resnet.demo.yard import Yard

_CAR_PAINTS: tuple[Colour, ...] = (
    (0.6, 0.6, 0.6),
    (0.1, 0.1, 0.1),
    (0.4, 0.2, 0.12),
    (0.12, 0.12, 0.42),
    (0.3, 0.32, 0.3),
)
_FUR: tuple[Colour, ...] = ((0.07, 0.07, 0.07), (0.30, 0.32, 0.34), (0.18, 0.32, 0.50), (0.6, 0.62, 0.64))
_SMALLEST_FIGURE = 0.66
"""Upright height of a still's figure in shares of the frame's, at least, where the floor allows it."""
_SMALLEST_FIRE = 0.2
_TRIES = 80


def cast(kind: Kind, seed: int, yard: Yard, script: Script) -> list[Actor]:
    """All actors of a scene in the order in which they are painted: far before near, weather last."""
    rng = np.random.default_rng([seed, 31])
    lead: list[Actor] = []
    spot: tuple[float, float] | None = None
    if kind == "intruder":
        figure = _walker(rng, yard, script.enters_s) if script.enters_s is not None else _still_figure(rng, yard)
        lead, spot = [figure], figure.ground(0.5)
    elif kind == "fire":
        blaze = _blaze(rng, yard, script)
        dark = float(rng.uniform(0.22, 0.62))
        drift = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.15, 0.75))
        plume = Plume(blaze, drift, dark, float(rng.uniform(0.55, 1.0)), seed)
        lead, spot = [blaze, plume], (blaze.x_m, blaze.z_m)
    passing: list[tuple[float, Actor]] = [(spot[1] if spot else 0.0, actor) for actor in lead]
    ground: list[Actor] = []
    sky: list[Actor] = []
    for index, nuisance in enumerate(script.nuisances):
        own = np.random.default_rng([seed, 32, index])
        start, end = nuisance.from_s, nuisance.until_s
        if nuisance.kind == "cat":
            cat = _cat(own, yard, nuisance)
            passing.append((cat.z_m, cat))
        elif nuisance.kind in ("car", "sweep"):
            traffic = _traffic(own, yard, nuisance, spot if script.enters_s is None else None)
            passing.append((traffic.vehicle.z_m, traffic))
        elif nuisance.kind == "rain":
            sky.append(Rain(float(own.uniform(0.4, 1.0)), start, end))
        elif nuisance.kind == "clouds":
            size, depth = float(own.uniform(3, 14)), float(own.uniform(0.4, 0.9))
            sky.append(Clouds(size, float(own.uniform(0.3, 1.2)), depth, int(own.integers(99)), start, end))
        elif nuisance.kind == "wind":
            ground.append(Wind(float(own.uniform(1.0, 3.5)), start, end))
    return [*ground, *(actor for _, actor in sorted(passing, key=lambda pair: -pair[0])), *sky]


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    base = np.array(colours[int(rng.integers(len(colours)))]) * rng.uniform(0.8, 1.2)
    return float(base[0]), float(base[1]), float(base[2])


def _person(
    rng: np.random.Generator, gait: str, place: tuple[float, float], at_s: float, heading: float, tall_m: float
) -> Figure:
    span = {"walk": (1.0, 1.6), "run": (2.6, 3.6), "crouch": (0.5, 0.9)}[gait]
    return Figure(
        place[0],
        place[1],
        at_s,
        heading,
        float(rng.uniform(*span)),
        tall_m,
        gait,
        _pick(rng, CLOTHES),
        _pick(rng, TROUSERS),
        _pick(rng, SKIN),
        bool(rng.random() < 0.4),
        bool(rng.random() < 0.35),
        float(rng.uniform(0, 2 * np.pi)),
    )


def _still_figure(rng: np.random.Generator, yard: Yard) -> Figure:
    """A figure at a place where nearly all of it is in view, large enough to be told at a small input size."""
    camera = yard.camera
    gait = str(rng.choice(["walk", "run", "crouch"], p=[0.76, 0.15, 0.09]))
    share = 0.74 if gait == "crouch" else 1.0
    best, best_seen = None, -1.0
    for _ in range(_TRIES):
        tall = float(rng.uniform(1.62, 1.92))
        # No nearer than where the feet still stand in the frame.
        most = (0.96 * camera.height - camera.horizon_px) * tall / camera.mount_m
        low, high = min(_SMALLEST_FIGURE * camera.height / share, 0.9 * most), min(0.86 * camera.height / share, most)
        place = camera.ground_under(
            camera.width * float(rng.uniform(0.1, 0.9)), camera.focal_px * tall / float(rng.uniform(low, high))
        )
        heading = float(rng.choice([0.0, np.pi]) + rng.normal(0, 0.5))
        if rng.random() < 0.25:
            heading = float(rng.uniform(0, 2 * np.pi))
        figure = _person(rng, gait, place, 0.5, heading, tall)
        seen = min(figure.seen(yard, t) for t in (0.0, 0.5, 1.0))
        if seen > best_seen:
            best, best_seen = figure, seen
        if seen > 0.93:
            break
    assert best is not None
    return best


def _walker(rng: np.random.Generator, yard: Yard, enters_s: float) -> Figure:
    """A figure that comes into the frame from its side at `enters_s` and walks across."""
    camera = yard.camera
    side = float(rng.choice([-1.0, 1.0]))
    depth = float(rng.uniform(3.1, 3.5))
    edge = camera.ground_under(camera.width * (0.5 - side * 0.52), depth)
    heading = (0.0 if side > 0 else np.pi) - camera.yaw_rad + float(rng.uniform(-0.06, 0.06))
    return _person(rng, "walk", edge, enters_s, heading, float(rng.uniform(1.7, 1.88)))


def _blaze(rng: np.random.Generator, yard: Yard, script: Script) -> Blaze:
    """A fire on the open floor; in a still it has burnt long enough for its plume to stand."""
    camera = yard.camera
    in_clip = script.enters_s is not None
    tops = yard.surfaces.tops
    for attempt in range(_TRIES):
        if attempt < _TRIES // 2 and tops and rng.random() < 0.6:
            x, z, base, room = tops[int(rng.integers(len(tops)))]
            z -= 0.25 * room
        else:
            depth = float(rng.uniform(6.5, yard.wall_m - 1.5))
            x, z = camera.ground_under(camera.width * float(rng.uniform(0.1, 0.9)), depth)
            base, room = 0.03, 1.8
        scale = camera.pixels_per_metre(x, z)
        rows = camera.height * float(rng.uniform(0.3, 0.42) if in_clip else rng.uniform(_SMALLEST_FIRE, 0.46))
        tall = min(rows / scale, max(2.4, _SMALLEST_FIRE * camera.height / scale))
        wide = float(np.clip(tall * rng.uniform(0.55, 1.1), 0.4, 1.4 * room))
        if min(yard.clear(x + share * wide, z - 0.6 * room, base + tall) for share in (-0.5, 0.0, 0.5)) > 0.9:
            break
    start, grow = (script.enters_s, script.grow_s) if script.enters_s is not None else (-30.0, 0.1)
    return Blaze.at(yard, (x, z, base), (tall, wide), start, grow, int(rng.integers(1 << 30)))


def _cat(rng: np.random.Generator, yard: Yard, nuisance: Nuisance) -> Cat:
    camera = yard.camera
    for _ in range(20):
        column = camera.width * float(rng.uniform(0.1, 0.9))
        place = camera.ground_under(column, float(rng.uniform(6.2, yard.wall_m - 2.5)))
        if yard.clear(place[0], place[1], 0.4) > 0.9:
            break
    heading = float(rng.choice([0.0, np.pi]) + rng.normal(0, 0.35))
    speed = float(rng.uniform(0.6, 1.3))
    return Cat(*place, nuisance.middle_s, heading, speed, _pick(rng, _FUR), nuisance.from_s, nuisance.until_s)


def _traffic(rng: np.random.Generator, yard: Yard, nuisance: Nuisance, avoid: tuple[float, float] | None) -> Traffic:
    """A vehicle that drives through the yard, or one outside the frame whose beams sweep over it.

    In a still it keeps 3.5 m or more away from `avoid` (x, z), so that it does not cover what the label names.
    """
    side = float(rng.choice([-1.0, 1.0]))
    start, end = nuisance.from_s, nuisance.until_s
    paint = _pick(rng, _CAR_PAINTS)
    if nuisance.kind == "sweep":
        heading = float(np.pi / 2 + side * rng.uniform(0.1, 0.6))
        vehicle = Vehicle("car", paint, side * float(rng.uniform(3, 6)), 1.0, heading)
        return Traffic(vehicle, nuisance.middle_s, 0.0, side * float(rng.uniform(0.1, 0.25)), start, end)
    heading = (0.0 if side > 0 else np.pi) + float(rng.uniform(-0.35, 0.35))
    x = float(rng.uniform(-4, 4))
    if avoid is not None:
        x = avoid[0] + float(rng.choice([-1.0, 1.0]) * rng.uniform(3.8, 6.0))
    centre = yard.camera.ground_under(yard.camera.width / 2, yard.wall_m - 5.6)
    place = (centre[0] + x, centre[1]) if avoid is None else (x, centre[1])
    vehicle = Vehicle("van" if rng.random() < 0.25 else "car", paint, place[0], place[1], heading)
    return Traffic(vehicle, nuisance.middle_s, float(rng.uniform(2.2, 4.0)), 0.0, start, end)
