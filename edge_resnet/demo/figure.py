"""A walking, running or crouching human figure with swinging limbs, drawn from joints in the world."""

from dataclasses import dataclass

import numpy as np

from edge_resnet.demo.camera import Camera, Colour, Floats
from edge_resnet.demo.canvas import Canvas
from edge_resnet.demo.stencil import Patch, Stencil
from edge_resnet.demo.yard import Yard

SKIN: tuple[Colour, ...] = ((0.42, 0.53, 0.72), (0.25, 0.36, 0.55), (0.13, 0.19, 0.30))
CLOTHES: tuple[Colour, ...] = (
    (0.09, 0.08, 0.08),
    (0.30, 0.17, 0.10),
    (0.16, 0.15, 0.48),
    (0.22, 0.24, 0.24),
    (0.60, 0.62, 0.63),
    (0.12, 0.26, 0.16),
    (0.14, 0.34, 0.58),
    (0.42, 0.30, 0.20),
)

TROUSERS: tuple[Colour, ...] = ((0.08, 0.08, 0.08), (0.30, 0.19, 0.13), (0.20, 0.20, 0.20), (0.22, 0.30, 0.36))


@dataclass(frozen=True)
class Gait:
    """How a figure moves: angles in radians, the stride (two steps) in shares of body height."""

    stride: float
    thigh_swing: float
    thigh_lift: float
    knee_bend: float
    knee_swing: float
    arm_swing: float
    elbow: float
    lean: float


WALK = Gait(0.80, 0.48, 0.02, 0.10, 0.75, 0.45, 0.30, 0.06)
RUN = Gait(1.30, 0.80, 0.18, 0.25, 1.30, 0.80, 1.35, 0.26)
CROUCH = Gait(0.55, 0.35, 0.85, 1.25, 0.45, 0.25, 0.90, 0.72)
GAITS = {"walk": WALK, "run": RUN, "crouch": CROUCH}


@dataclass(frozen=True)
class Figure:
    """A person who passes ground point (x, z) metres at `at_s` seconds, going `heading_rad` (0 = +X, pi/2 = away)."""

    x_m: float
    z_m: float
    at_s: float
    heading_rad: float
    speed_m_s: float
    tall_m: float
    gait: str
    jacket: Colour
    trousers: Colour
    skin: Colour
    hooded: bool
    backpack: bool
    phase_rad: float
    from_s: float = -1e9
    until_s: float = 1e9

    def ground(self, t_s: float) -> tuple[float, float]:
        """Where the figure stands at `t_s`, metres."""
        way = self.speed_m_s * (t_s - self.at_s)
        return self.x_m + way * float(np.cos(self.heading_rad)), self.z_m + way * float(np.sin(self.heading_rad))

    def joints(self, t_s: float) -> dict[str, Floats]:
        """World positions (3, metres) of the joints; `0` and `1` after a name are the right and left side."""
        gait, tall = GAITS[self.gait], self.tall_m
        phase = 2 * np.pi * self.speed_m_s * (t_s - self.at_s) / (gait.stride * tall) + self.phase_rad
        forward = np.array([np.cos(self.heading_rad), 0, np.sin(self.heading_rad)])
        aside = np.array([-forward[2], 0, forward[0]])
        up = np.array([0.0, 1.0, 0.0])

        def reach(angle: float, length: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
            """A limb's run from its upper joint; angle 0 hangs down, positive swings forward."""
            return np.asarray(length * tall * (np.sin(angle) * forward - np.cos(angle) * up))

        legs = []
        for side in (0, 1):
            swing = phase + side * np.pi
            thigh = gait.thigh_lift + gait.thigh_swing * np.sin(swing)
            shin = thigh - gait.knee_bend - gait.knee_swing * max(0.0, np.cos(swing))
            legs.append((reach(thigh, 0.245), reach(shin, 0.245), shin))
        # The lower foot bears the body: the hip is as high as that leg is long now.
        hip_height = max(-float((thigh + shin)[1]) for thigh, shin, _ in legs) + 0.04 * tall
        x, z = self.ground(t_s)
        hip = np.array([x, hip_height, z])
        spine = 0.30 * tall * (np.sin(gait.lean) * forward + np.cos(gait.lean) * up)
        neck = hip + spine
        nod = gait.lean * 0.6
        joints = {"hip": hip, "neck": neck, "head": neck + 0.115 * tall * (np.sin(nod) * forward + np.cos(nod) * up)}
        for side, aim in ((0, -1.0), (1, 1.0)):
            thigh_run, shin_run, shin = legs[side]
            start = hip + aside * aim * 0.05 * tall
            knee = start + thigh_run
            ankle = knee + shin_run
            toe_lift = float(np.clip(-shin * 0.5, -0.1, 0.6))
            toe = ankle + 0.11 * tall * (np.cos(toe_lift) * forward - np.sin(toe_lift) * up) - 0.02 * tall * up
            shoulder = neck + aside * aim * 0.105 * tall - 0.02 * tall * up
            arm = -gait.arm_swing * np.sin(phase + side * np.pi) + gait.lean * 0.4
            elbow = shoulder + reach(arm, 0.17) + aside * aim * 0.02 * tall
            hand = elbow + reach(arm + gait.elbow, 0.16)
            named = {"thigh": start, "knee": knee, "ankle": ankle, "toe": toe}
            named |= {"shoulder": shoulder, "elbow": elbow, "hand": hand}
            joints |= {f"{name}{side}": place for name, place in named.items()}
        return {name: place.astype(np.float32) for name, place in joints.items()}

    def _parts(self, near: int) -> list[tuple[tuple[str, ...], tuple[float, ...], Colour]]:
        """Limbs from the far side to the near: joints, radii in shares of body height, colour."""

        def dim(colour: Colour, side: int) -> Colour:
            factor = 1.0 if side == near else 0.72
            return colour[0] * factor, colour[1] * factor, colour[2] * factor

        def arm(side: int) -> list[tuple[tuple[str, ...], tuple[float, ...], Colour]]:
            return [
                ((f"hand{side}",), (0.026,), dim(self.skin, side)),
                ((f"elbow{side}", f"hand{side}"), (0.031, 0.022), dim(self.jacket, side)),
                ((f"shoulder{side}", f"elbow{side}"), (0.042, 0.032), dim(self.jacket, side)),
            ]

        def leg(side: int) -> list[tuple[tuple[str, ...], tuple[float, ...], Colour]]:
            return [
                ((f"ankle{side}", f"toe{side}"), (0.030, 0.020), dim((0.07, 0.07, 0.08), side)),
                ((f"knee{side}", f"ankle{side}"), (0.042, 0.030), dim(self.trousers, side)),
                ((f"thigh{side}", f"knee{side}"), (0.062, 0.044), dim(self.trousers, side)),
            ]

        torso = (("shoulder0", "shoulder1", "thigh0", "thigh1"), (0.048, 0.048, 0.056, 0.056), self.jacket)
        head: list[tuple[tuple[str, ...], tuple[float, ...], Colour]] = [
            (("neck", "head"), (0.036, 0.036), self.skin),
            (("head",), (0.064,), self.skin),
        ]
        return [*arm(1 - near), *leg(1 - near), *leg(near), torso, *head, *arm(near)]

    def _extras(self, camera: Camera, joints: dict[str, Floats], stencil: Stencil, scale: float) -> None:
        """Hair or a hood, and a backpack: what makes the silhouette of a person."""
        forward = np.array([np.cos(self.heading_rad), 0, np.sin(self.heading_rad)], np.float32)
        back = joints["head"] - forward * 0.022 * self.tall_m + np.array([0, 0.018, 0], np.float32) * self.tall_m
        place = camera.project(back[None])[0]
        cap = self.jacket if self.hooded else (0.06, 0.08, 0.10)
        stencil.disc(place, 0.060 * self.tall_m * scale, cap)
        if self.backpack:
            spine = np.stack([joints["neck"] * 0.85 + joints["hip"] * 0.15, joints["neck"] * 0.4 + joints["hip"] * 0.6])
            pack = camera.project((spine - forward * 0.09 * self.tall_m).astype(np.float32))
            stencil.hull(pack, np.array([0.055, 0.06], np.float32) * self.tall_m * scale, (0.10, 0.13, 0.12))

    def paint(self, canvas: Canvas, t_s: float) -> None:
        """Draw the figure and its shadow; nothing before `from_s` and from `until_s` on."""
        if not self.from_s <= t_s < self.until_s:
            return
        camera, joints = canvas.camera, self.joints(t_s)
        points = np.stack(list(joints.values()))
        depth = float(camera.depth(joints["hip"][None])[0])
        if depth < 2.0:
            return
        pixels = camera.project(points)
        pad = 0.1 * self.tall_m * camera.focal_px / depth
        low, high = pixels.min(axis=0) - pad, pixels.max(axis=0) + pad * 0.4
        if high[0] < 0 or low[0] > camera.width or low[1] > camera.height:
            return
        stencil = Stencil((float(low[0]), float(low[1]), float(high[0]), float(high[1])), zoom=3)
        near = int(camera.depth(joints["shoulder1"][None])[0] < camera.depth(joints["shoulder0"][None])[0])
        scale = camera.focal_px / depth
        facing_away = np.sin(self.heading_rad) > 0.3
        shadows = []
        if not facing_away:
            self._extras(camera, joints, stencil, scale)
        for names, radii, colour in self._parts(near):
            places = np.stack([joints[name] for name in names])
            sizes = np.array(radii, np.float32) * self.tall_m
            stencil.hull(camera.project(places), sizes * scale, colour)
            shadows.append((places, sizes))
        if facing_away:
            self._extras(camera, joints, stencil, scale)
        else:
            self._hair(camera, joints, stencil, scale)
        canvas.shadow(shadows)
        patch = stencil.patch(rounding=0.3)
        if canvas.lighting.infrared > 0:
            # Dyes that are dark to the eye are pale in the near infrared: people stand out in such pictures.
            pale = patch.colour * 0.60 + 0.52 * patch.cover[:, :, None]
            patch = Patch(patch.left, patch.top, pale, patch.cover)
        canvas.place(patch, depth)

    def _hair(self, camera: Camera, joints: dict[str, Floats], stencil: Stencil, scale: float) -> None:
        forward = np.array([np.cos(self.heading_rad), 0, np.sin(self.heading_rad)], np.float32)
        crown = joints["head"] - forward * 0.03 * self.tall_m + np.array([0, 0.034, 0], np.float32) * self.tall_m
        tint = self.jacket if self.hooded else (0.06, 0.08, 0.10)
        stencil.disc(camera.project(crown[None])[0], 0.047 * self.tall_m * scale, tint)

    def seen(self, yard: Yard, t_s: float) -> float:
        """The share (0 to 1) of the joints that lie within the frame and are not hidden by the yard."""
        if not self.from_s <= t_s < self.until_s:
            return 0.0
        points = np.stack(list(self.joints(t_s).values()))
        return float(np.mean(yard.sees(points)))

    def light(self, canvas: Canvas, t_s: float) -> None:
        """A figure gives no light."""
