"""Pairs of phantom films with known truth, made once and kept (see ``store``)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from model_store.phantom import (
    Exposure,
    Furniture,
    InPlane,
    Pose,
    Projection,
    Subject,
    bone_masks,
    expose,
    joint_motion,
    make_exposure,
    make_pose,
    make_subject,
    project,
    project_joint,
)
from model_store.phantom.skeleton import RAYS
from tests.benchmarks.bounds import CROP_MM, jsn_bound_mm
from tests.benchmarks.store import Arrays, kept
from workers.pipeline.crop import crop_roi
from workers.pipeline.types import JOINTS, BoolArray, FloatArray, Laterality, LocatedJoint

SPACING_MM = 0.175
ROI_PX = 128
#: Seeds of hands that no training, calibration or test uses.
IN_PLANE, TURNED, CURVE = 91_000_000, 92_000_000, 93_000_000

#: Nothing on the films but the hand: markers and bands lie elsewhere on each film.
BARE = Furniture(marker="none")


@dataclass(frozen=True)
class Case:
    """One joint of two films: upright ROIs about the true joint centres, true masks (upper, lower), and the truth.

    ``bound_mm``: Cramer-Rao bounds of JSN for (rigid bones, similarity with tones), NaN where not computed.
    """

    name: str
    joint: str
    fixed: FloatArray
    moving: FloatArray
    fixed_masks: tuple[BoolArray, BoolArray]
    moving_masks: tuple[BoolArray, BoolArray]
    jsn_mm: float
    bound_mm: tuple[float, float] = (float("nan"), float("nan"))


@dataclass(frozen=True)
class HandPair:
    """Two whole-hand films at ``SPACING_MM``, ``places`` (2, 10, 3) = x px, y px, angle deg of the true joints."""

    seed: int
    laterality: Laterality
    fixed: FloatArray
    moving: FloatArray
    places: FloatArray
    masks: BoolArray  # (2, 10, 2, S, S)
    motion: FloatArray  # (10, 2, 3): dx mm, dy mm, turn deg of the upper and the lower bone
    bounds_mm: FloatArray  # (10, 2)

    def place(self, film: int, joint: int) -> LocatedJoint:
        x, y, angle = (float(v) for v in self.places[film, joint])
        return LocatedJoint(JOINTS[joint], x, y, angle, ROI_PX, 1.0)

    def cases(self) -> list[Case]:
        """The ten joints."""
        return [self.case(joint) for joint in range(len(JOINTS))]

    def case(self, joint: int) -> Case:
        """One joint, cropped where it truly is."""
        name = JOINTS[joint]
        fixed, moving = (
            crop_roi(film, self.place(visit, joint), SPACING_MM).pixels
            for visit, film in enumerate((self.fixed, self.moving))
        )
        before, after = ((self.masks[visit, joint, 0], self.masks[visit, joint, 1]) for visit in (0, 1))
        bound = (float(self.bounds_mm[joint, 0]), float(self.bounds_mm[joint, 1]))
        return Case(f"{self.seed} {name}", name, fixed, moving, before, after, self.jsn_mm(joint), bound)

    def jsn_mm(self, joint: int) -> float:
        return float(self.motion[joint, 0, 1] - self.motion[joint, 1, 1])


def motion_in_plane(rng: np.random.Generator) -> InPlane:
    """The hand turned and shifted on the film; each joint narrowed by -0.1 to 0.6 mm, bent sideways, slid a little."""
    return InPlane(
        jsn_mm=narrowing(rng),
        slide_mm={joint: float(rng.normal(0.0, 0.2)) for joint in JOINTS},
        turn_deg={joint: float(rng.normal(0.0, 1.5)) for joint in JOINTS},
        rotation_deg=float(rng.uniform(-5.0, 5.0)),
        shift_mm=(float(rng.normal(0.0, 3.0)), float(rng.normal(0.0, 3.0))),
    )


def tipped(pose: Pose, tilt_deg: tuple[float, float], flexion_deg: float) -> Pose:
    """The pose with the hand tilted, and every finger joint bent by ``flexion_deg``, to and fro along a finger, so that
    no bone gathers the bends of all joints before it.
    """
    angles = dict(pose.angles_deg)
    for ray, bones in RAYS.items():
        for level, bone in enumerate(bones[1:]):
            key, sign = f"{bone}:flexion", (-1.0) ** (level + ray)
            angles[key] = angles.get(key, 0.0) + sign * flexion_deg
    x, y = pose.tilt_deg
    return replace(pose, angles_deg=angles, tilt_deg=(x + tilt_deg[0], y + tilt_deg[1]))


def narrowing(rng: np.random.Generator) -> dict[str, float]:
    """Each joint by -0.1 to 0.6 mm."""
    return {joint: float(rng.uniform(-0.1, 0.6)) for joint in JOINTS}


def arrays_of(
    films: tuple[Projection, Projection],
    exposures: tuple[Exposure, Exposure],
    seed: int,
    bounds_mm: list[tuple[float, float]] | None = None,
) -> Arrays:
    """What is kept of a pair."""
    truths = [[film.joints[joint] for joint in JOINTS] for film in films]
    masks = [[bone_masks(film, joint, size_px=ROI_PX) for joint in JOINTS] for film in films]
    return {
        "fixed": expose(films[0], exposures[0], seed).pixels,
        "moving": expose(films[1], exposures[1], seed + 1).pixels,
        "places": np.array([[(t.x_px, t.y_px, t.angle_deg) for t in side] for side in truths]),
        "masks": np.packbits(np.array(masks)),
        "motion": np.array([_motion(*films, joint) for joint in JOINTS]),
        "bounds_mm": np.array(bounds_mm or [(np.nan, np.nan)] * len(JOINTS)),
    }


def _motion(fixed: Projection, moving: Projection, joint: str) -> list[tuple[float, float, float]]:
    motion = joint_motion(fixed, moving, joint)
    return [(bone.dx_mm, bone.dy_mm, bone.rotation_deg) for bone in (motion.upper, motion.lower)]


def pair_of(arrays: Arrays, seed: int, laterality: Laterality) -> HandPair:
    shape = (2, len(JOINTS), 2, ROI_PX, ROI_PX)
    masks = np.unpackbits(arrays["masks"], count=int(np.prod(shape))).reshape(shape).astype(bool)
    films = arrays["fixed"].astype(np.float32), arrays["moving"].astype(np.float32)
    return HandPair(seed, laterality, *films, arrays["places"], masks, arrays["motion"], arrays["bounds_mm"])


def side_of(seed: int) -> Laterality:
    return "L" if seed % 2 else "R"


def first_visit(seed: int) -> tuple[Subject, Pose]:
    return make_subject(seed, side_of(seed)), make_pose(seed, spread=0.5)


def in_plane(number: int, *, varied_exposure: bool = False) -> HandPair:
    """A hand whose films differ by in-plane motion, JSN and noise only, or also by the machine."""
    seed = IN_PLANE + number
    films: list[tuple[Projection, Projection]] = []

    def projected() -> tuple[Projection, Projection]:
        if not films:
            rng = np.random.default_rng(seed)
            subject, pose = first_visit(seed)
            films.append((project(subject, pose), project(subject, pose, in_plane=motion_in_plane(rng))))
        return films[0]

    def same() -> Arrays:
        exposure = replace(make_exposure(seed, spread=0.6), furniture=BARE)
        subject, pose = first_visit(seed)
        near = (project_joint(subject, pose, joint, size_mm=CROP_MM) for joint in JOINTS)
        bounds = [jsn_bound_mm(part, joint, exposure) for part, joint in zip(near, JOINTS, strict=True)]
        return arrays_of(projected(), (exposure, exposure), seed, bounds)

    def varied() -> Arrays:
        machines = [replace(make_exposure(2 * seed + visit), furniture=BARE) for visit in (0, 1)]
        return arrays_of(projected(), (machines[0], machines[1]), seed)

    name, make = ("varied", varied) if varied_exposure else ("in-plane", same)
    return pair_of(kept(f"{name}-{seed}", make), seed, side_of(seed))


def turned(number: int) -> HandPair:
    """A hand tilted by up to 8 degrees about both axes and bent by up to 10 between the films, in-plane motion too."""
    seed = TURNED + number

    def make() -> Arrays:
        rng = np.random.default_rng(seed)
        subject, pose = first_visit(seed)
        later = tipped(
            pose,
            (float(rng.uniform(-8, 8)), float(rng.uniform(-8, 8))),
            float(rng.uniform(-10, 10)),
        )
        films = project(subject, pose), project(subject, later, in_plane=motion_in_plane(rng))
        exposure = replace(make_exposure(seed, spread=0.6), furniture=BARE)
        return arrays_of(films, (exposure, exposure), seed)

    return pair_of(kept(f"turned-{seed}", make), seed, side_of(seed))


#: What is turned along the degradation curves, and by how many degrees.
CURVES: dict[str, tuple[float, ...]] = {
    "tilt, wrist up": (0, 2, 4, 6, 8),
    "tilt, side up": (0, 2, 4, 6, 8),
    "flexion": (0, 2.5, 5, 7.5, 10),
}


def along_curve(number: int, what: str, angle_deg: float) -> HandPair:
    """A hand that differs by one out-of-plane turn (sign by the hand), JSN and noise only."""
    seed = CURVE + number
    sign = -1.0 if number % 2 else 1.0

    def make() -> Arrays:
        rng = np.random.default_rng(seed)
        subject, pose = first_visit(seed)
        tilt = {"tilt, wrist up": (sign * angle_deg, 0.0), "tilt, side up": (0.0, sign * angle_deg)}
        later = tipped(pose, tilt.get(what, (0.0, 0.0)), sign * angle_deg if what == "flexion" else 0.0)
        films = project(subject, pose), project(subject, later, in_plane=InPlane(narrowing(rng)))
        exposure = replace(make_exposure(seed, spread=0.6), furniture=BARE)
        return arrays_of(films, (exposure, exposure), seed)

    if angle_deg == 0:
        what = "none"  # one film for all curves
    return pair_of(kept(f"curve-{seed}-{what}-{angle_deg:g}", make), seed, side_of(seed))
