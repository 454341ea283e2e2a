"""Joints found on real hands, turned and mirrored: `make benchmark ONLY=joint_location`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from tests.benchmarks import settings
from tests.benchmarks.real import RealHand, hands, other_body_parts
from tests.benchmarks.report import Found, section
from tests.benchmarks.scores import clopper_pearson
from tests.benchmarks.table import percent, table, verdict
from workers.pipeline import HandLocation, locate_hands
from workers.pipeline.types import JOINTS, FloatArray

pytestmark = [
    pytest.mark.timeout(7200),
    pytest.mark.skipif(
        not settings.DATA.is_dir(), reason="the real films of ../shared/data are not on this machine"
    ),
]

Floats = npt.NDArray[np.float64]
ANGLES_DEG = (0.0, 35.0, 160.0, 270.0) if settings.FULL else (0.0, 125.0)
#: Share of the MCP2-MCP5 breadth within which a joint counts as found.
NEAR = 0.12


@dataclass(frozen=True)
class View:
    """A film as it was turned and mirrored; ``joints``: where the marked joints went."""

    pixels: FloatArray
    joints: Mapping[str, Floats]


def test_joint_location() -> None:
    section("joint_location", _location)


def _location() -> Found:
    films = hands()
    films = (films if settings.FULL else [f for f in films if f.joints])[: settings.LOCATION_FILMS]
    lines = []
    totals = np.zeros(4, int)  # right films, films, right sides, sides
    for mirrored in (False, True):
        for angle in ANGLES_DEG:
            counts = np.zeros(6, int)
            for film in films:
                counts += _count(film, angle, mirrored)
            right, marked, side_right, near, joints, ten = (int(v) for v in counts)
            totals += [right, marked, side_right, marked]
            lines.append(
                [
                    f"{angle:g}{' mirrored' if mirrored else ''}",
                    f"{right}/{marked}",
                    f"{near}/{joints}",
                    f"{side_right}/{marked}",
                    f"{ten}/{len(films)}",
                ]
            )
    right, marked, side_right, _ = (int(v) for v in totals)
    others = other_body_parts()[: None if settings.FULL else 4]
    alone = [name for name, pixels in others if not locate_hands(pixels)]
    both, both_right = _two_hands(films)
    text = (
        f"{len(films)} films, {len({f.name for f in films if f.joints})} of them with marked joints; "
        f"near is within {NEAR} "
        "of the breadth from MCP2 to MCP5, under the right name.\n\n"
        + table(
            ("turned by", "films with every joint near", "joints near", "right side", "ten joints found"),
            lines,
        )
        + f"\n\n- Target ten of ten near on >= 90 % of films: {verdict(right >= 0.9 * marked)} "
        f"({percent(right / max(1, marked), clopper_pearson(right, marked))})"
        + f"\n- Right laterality: {percent(side_right / max(1, marked), clopper_pearson(side_right, marked))}"
        + f"\n- Films of two hands split, each with ten joints and its side: {both_right}/{both}"
        + f"\n- No hand said of other body parts: {len(alone)}/{len(others)}"
    )
    return Found(text)


def _count(film: RealHand, angle_deg: float, mirrored: bool) -> npt.NDArray[np.int64]:
    """(every joint near, marked film, right side, joints near, joints marked, ten found) of one view."""
    view = turned(film, angle_deg, mirrored)
    found = locate_hands(view.pixels)
    hand = max(found, key=lambda h: h.confidence, default=HandLocation([], None, 0.0))
    places = {
        joint.joint: np.array([joint.x_px, joint.y_px]) for joint in hand.joints if joint.joint in JOINTS
    }
    ten = len(places) == len(JOINTS)
    if not film.joints:
        return np.array([0, 0, 0, 0, 0, ten])
    breadth = float(np.linalg.norm(view.joints["MCP2"] - view.joints["MCP5"]))
    near = [
        name in places and float(np.linalg.norm(places[name] - place)) <= NEAR * breadth
        for name, place in view.joints.items()
    ]
    side = hand.laterality == laterality(view.joints)
    return np.array([all(near), 1, side, sum(near), len(near), ten])


def laterality(joints: Mapping[str, Floats]) -> str:
    """Of a hand seen from its back: left where, fingers up, MCP2 lies to the right of MCP5."""
    across, along = joints["MCP5"] - joints["MCP2"], joints["PIP3"] - joints["MCP3"]
    return "L" if across[0] * along[1] - across[1] * along[0] > 0 else "R"


def turned(film: RealHand, angle_deg: float, mirrored: bool) -> View:
    """The film mirrored left to right, then turned about its middle; what comes in is its darkest tone."""
    pixels = film.pixels[:, ::-1] if mirrored else film.pixels
    shape = np.array(pixels.shape)
    out = ndimage.rotate(
        pixels, angle_deg, order=1, mode="constant", cval=float(np.percentile(pixels, 1)), prefilter=False
    )
    angle = np.deg2rad(angle_deg)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, s], [-s, c]])  # (x, y), as ndimage.rotate turns: counter-clockwise on screen
    middle, new_middle = (shape[::-1] - 1) / 2, (np.array(out.shape)[::-1] - 1) / 2
    joints = {}
    for name, (x, y) in film.joints.items():
        place = np.array([shape[1] - 1 - x if mirrored else x, y])
        joints[name] = turn @ (place - middle) + new_middle
    return View(np.ascontiguousarray(out, dtype=np.float32), joints)


def _two_hands(films: list[RealHand]) -> tuple[int, int]:
    """Each film beside its own mirror image: how many there are, and how many are split rightly."""
    chosen = [film for film in films if film.joints][: None if settings.FULL else 1]
    right = 0
    for film in chosen:
        film_of_two = np.concatenate([film.pixels, film.pixels[:, ::-1]], axis=1)
        found = locate_hands(np.ascontiguousarray(film_of_two))
        one = laterality({name: np.array(place) for name, place in film.joints.items()})
        wanted = [one, "R" if one == "L" else "L"]
        ten = all(sum(joint.joint in JOINTS for joint in hand.joints) == len(JOINTS) for hand in found)
        right += [hand.laterality for hand in found] == wanted and ten
    return len(chosen), right
