"""Hard cases: pairs of films of one joint, by seed and kind, on which a registration may lock onto the wrong place.

Only the part of the film about the joint is projected, so thousands can be made. Each pair is two visits at one site,
hands laid down anew (out of plane as well, as careful sites do), the joint found with a locator's error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .disease import Lesion, draw_erosion, draw_osteophyte, with_lesions, with_subluxation
from .exposure import Exposure, Film, expose, make_exposure
from .furniture import Furniture
from .pose import Pose, make_pose
from .processing import draw_processing
from .projection import WINDOW_MM, Projection, project_joint
from .skeleton import JOINTS
from .subject import Subject, make_subject
from .truth import JointMotion, joint_motion

#: Seeds of the subjects start here: no training and no calibration draws from them.
FIRST_SUBJECT = 7_000_000
TEN_JOINTS = tuple(joint for joint in JOINTS if not joint.startswith("DIP"))


@dataclass(frozen=True)
class HardCase:
    """Two films of a joint. projections: their layers; `joints[joint]` there is the joint as the locator found it.

    motion: true motion, read at the centre of the first film's located ROI.
    """

    kind: str
    seed: int
    joint: str
    films: tuple[Film, Film]
    projections: tuple[Projection, Projection]
    motion: JointMotion


@dataclass(frozen=True)
class _Visit:
    """What makes a film; offset_mm: of the film's middle from the joint; found_mm, found_deg: the locator's error."""

    subject: Subject
    pose: Pose
    exposure: Exposure
    jsn_mm: float = 0.0
    spacing_mm: float = 0.175
    offset_mm: tuple[float, float] = (0.0, 0.0)
    found_mm: tuple[float, float] = (0.0, 0.0)
    found_deg: float = 0.0


_Pair = tuple[_Visit, _Visit]
_Rng = np.random.Generator


def make_hard_case(kind: str, seed: int, joint: str | None = None) -> HardCase:
    """The hard case of a seed: subject 7,000,000 + seed // 10, one of the ten joints by seed % 10 where not given.

    Ten seeds in a row share a subject, which saves the time to make it. Raises ValueError for an unknown kind or
    joint.
    """
    if kind not in _RECIPES:
        raise ValueError(f"Unknown kind {kind!r}; known are {', '.join(KINDS)}")
    joint = TEN_JOINTS[seed % 10] if joint is None else joint
    rng = np.random.default_rng([seed, list(_RECIPES).index(kind), 0x4A2D])
    visits = _RECIPES[kind](rng, _ordinary_pair(rng, seed), joint)
    first, second = (_project(visit, joint) for visit in visits)
    films = (
        expose(first, visits[0].exposure, int(rng.integers(1 << 31))),
        expose(second, visits[1].exposure, int(rng.integers(1 << 31))),
    )
    return HardCase(kind, seed, joint, films, (first, second), joint_motion(first, second, joint))


@lru_cache(maxsize=2)
def _subject(number: int) -> Subject:
    return make_subject(FIRST_SUBJECT + number, "R" if number % 2 else "L")


def _ordinary_pair(rng: _Rng, seed: int) -> _Pair:
    subject = _subject(seed // 10)
    pose, drift = make_pose(int(rng.integers(1 << 31)), 0.7), make_pose(int(rng.integers(1 << 31)), 0.2)
    names = {*pose.angles_deg, *drift.angles_deg}
    angles = {name: pose.angles_deg.get(name, 0.0) + drift.angles_deg.get(name, 0.0) for name in names}
    tilt = (pose.tilt_deg[0] + drift.tilt_deg[0], pose.tilt_deg[1] + drift.tilt_deg[1])
    later = replace(pose, angles_deg=angles, tilt_deg=tilt, shift_mm=drift.shift_mm)
    machine = make_exposure(int(rng.integers(1 << 31)))
    first, second = (
        _Visit(
            subject,
            lay,
            _drifted(machine, rng),
            jsn_mm=float(narrowing),
            found_mm=(float(rng.normal(0, 0.25)), float(rng.normal(0, 0.25))),
            found_deg=float(rng.normal(0, 1.0)),
        )
        for lay, narrowing in ((pose, 0.0), (later, rng.uniform(-0.2, 0.8)))
    )
    return first, second


def _drifted(machine: Exposure, rng: _Rng) -> Exposure:
    """The same machine at another visit: dose, beam and tone differ a little; nothing lies on this part of the film."""
    visit = make_exposure(int(rng.integers(1 << 31)), 0.3)
    return replace(
        machine,
        kvp=visit.kvp,
        photons=machine.photons * visit.photons / 9000.0,
        gamma=machine.gamma * visit.gamma,
        scatter=visit.scatter,
        furniture=Furniture(marker="none"),
    )


def _project(visit: _Visit, joint: str) -> Projection:
    film = project_joint(
        visit.subject,
        visit.pose,
        joint,
        jsn_mm={joint: visit.jsn_mm},
        pixel_spacing_mm=visit.spacing_mm,
        offset_mm=visit.offset_mm,
    )
    found = film.joints[joint].located(np.array(visit.found_mm), visit.found_deg)
    return replace(film, joints={joint: found})


def _ordinary(rng: _Rng, pair: _Pair, joint: str) -> _Pair:
    return pair


def _with_growing(lesions: list[Lesion], rng: _Rng, pair: _Pair) -> _Pair:
    """Lesions that are not there or smaller on the first film."""
    early = [lesion.grown(float(rng.choice([0.0, rng.uniform(0.3, 0.9)]))) for lesion in lesions]
    one, two = pair
    return (
        replace(one, subject=with_lesions(one.subject, early)),
        replace(two, subject=with_lesions(two.subject, lesions)),
    )


def _erosion(rng: _Rng, pair: _Pair, joint: str) -> _Pair:
    return _with_growing(
        [draw_erosion(rng, pair[0].subject, joint) for _ in range(rng.integers(1, 5))], rng, pair
    )


def _osteophyte(rng: _Rng, pair: _Pair, joint: str) -> _Pair:
    lesions = [draw_osteophyte(rng, pair[0].subject, joint) for _ in range(rng.integers(1, 4))]
    return _with_growing(lesions, rng, pair)


def _overlap(rng: _Rng, pair: _Pair, joint: str) -> _Pair:
    """The finger bent, so that the base of one bone lies over the head of the other; a little differently each time."""
    bone = pair[0].subject.joints[joint].upper_bone
    bend = rng.uniform(15.0, 40.0)

    def bent(visit: _Visit) -> _Visit:
        angles = dict(visit.pose.angles_deg)
        angles[f"{bone}:flexion"] = angles.get(f"{bone}:flexion", 0.0) + bend + rng.normal(0, 1.5)
        return replace(visit, pose=replace(visit.pose, angles_deg=angles))

    return bent(pair[0]), bent(pair[1])


def _narrowing(rng: _Rng, pair: _Pair, joint: str) -> _Pair:
    """A space nearly or wholly gone, down to bones that show over one another."""
    lost = pair[0].subject.joints[joint].space_mm - rng.uniform(-0.5, 0.5)
    one, two = pair
    return replace(one, jsn_mm=lost), replace(two, jsn_mm=lost + rng.uniform(-0.1, 0.4))


def _subluxation(rng: _Rng, pair: _Pair, joint: str) -> _Pair:
    """A distal bone slipped to one side and palmarwards, further on the second film."""
    across, palmar = rng.uniform(0.8, 3.5) * rng.choice([-1.0, 1.0]), rng.uniform(0.0, 3.5)
    early = rng.uniform(0.4, 1.0)
    one, two = pair
    return (
        replace(one, subject=with_subluxation(one.subject, joint, early * across, early * palmar)),
        replace(two, subject=with_subluxation(two.subject, joint, across, palmar)),
    )


def _cropped(rng: _Rng, pair: _Pair, joint: str) -> _Pair:
    """One film ends close to the joint, or the joint was found some millimetres away."""
    angle = rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(angle), np.sin(angle)])
    to_edge = way / np.abs(way).max() * (0.5 * WINDOW_MM - rng.uniform(4.0, 9.0))
    off = way * rng.uniform(2.5, 5.0)
    ends = bool(rng.random() < 0.5)

    def struck(visit: _Visit) -> _Visit:
        if ends:
            return replace(visit, offset_mm=(float(to_edge[0]), float(to_edge[1])))
        return replace(visit, found_mm=(float(off[0]), float(off[1])))

    one, two = pair
    return (struck(one), two) if rng.random() < 0.3 else (one, struck(two))


def _low_dose(rng: _Rng, pair: _Pair, joint: str) -> _Pair:
    """A sixth to a fortieth of the usual dose."""
    photons, readout = (
        float(np.exp(rng.uniform(np.log(220.0), np.log(1500.0)))),
        float(rng.uniform(0.0, 0.01)),
    )
    one, two = (
        replace(visit, exposure=replace(visit.exposure, photons=photons, readout_noise=readout))
        for visit in pair
    )
    return one, two


def _coarse(rng: _Rng, pair: _Pair, joint: str) -> _Pair:
    """Films read out or sent on with pixels of 0.2 to 0.4 mm."""
    spacing = float(rng.uniform(0.2, 0.4))
    return replace(pair[0], spacing_mm=spacing), replace(pair[1], spacing_mm=spacing)


def _processing(rng: _Rng, pair: _Pair, joint: str) -> _Pair:
    """Another machine and another vendor's processing at each visit."""

    def elsewhere(visit: _Visit) -> _Visit:
        exposure = make_exposure(int(rng.integers(1 << 31)), 1.2)
        plain = replace(exposure, furniture=Furniture(marker="none"), processing=draw_processing(rng, 1.2))
        return replace(visit, exposure=plain)

    return elsewhere(pair[0]), elsewhere(pair[1])


def _foreign(rng: _Rng, pair: _Pair, joint: str) -> _Pair:
    """A ring close to the joint, or the edge of a second exposure over it, on one film."""
    beside_mm = float(rng.uniform(5.0, 11.0) * rng.choice([-1.0, 1.0]))
    ring = Furniture(marker="none", ring=joint, ring_mm=beside_mm, ring_width_mm=float(rng.uniform(2.0, 5.0)))
    things = ring if rng.random() < 0.5 else Furniture(marker="none", band=True)
    one, two = pair
    return one, replace(two, exposure=replace(two.exposure, furniture=things))


_RECIPES: Mapping[str, Callable[[_Rng, _Pair, str], _Pair]] = {
    "ordinary": _ordinary,
    "erosion": _erosion,
    "overlap": _overlap,
    "narrowing": _narrowing,
    "cropped": _cropped,
    "low_dose": _low_dose,
    "osteophyte": _osteophyte,
    "subluxation": _subluxation,
    "coarse": _coarse,
    "processing": _processing,
    "foreign": _foreign,
}
KINDS = tuple(_RECIPES)
