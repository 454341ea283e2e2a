"""A drawn hand: bones as outlines and the finger joints between them, in a 200 x 262 view box.

The right hand has its thumb on the left, as on a dorsal view of a radiograph; the left hand is its mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import hypot

WIDTH, HEIGHT = 200, 262

Point = tuple[float, float]

#: From the wrist outwards, ray by ray: base of the metacarpal, joints, finger tip.
RAYS: dict[int, tuple[Point, ...]] = {
    1: ((70, 207), (39, 163), (21, 126), (11, 99)),
    2: ((85, 200), (73, 130), (61, 82), (54, 51), (49, 28)),
    3: ((100, 196), (101, 121), (102, 67), (103, 35), (104, 10)),
    4: ((114, 199), (127, 129), (139, 79), (146, 48), (151, 24)),
    5: ((127, 206), (148, 145), (168, 109), (179, 86), (188, 67)),
}
_JOINT_NAMES = {1: ("MCP", "IP"), 2: ("MCP", "PIP", "DIP")}
_CARPALS: tuple[tuple[Point, float], ...] = (
    ((78, 220), 9.5),
    ((94, 213), 9),
    ((110, 213), 9.5),
    ((125, 219), 9),
    ((86, 236), 10),
    ((104, 233), 10.5),
    ((121, 235), 9),
)


@dataclass(frozen=True)
class JointSpot:
    """Where a joint is drawn, and the first line of its words, which lie on the bone beside it."""

    joint: str
    x: str
    y: str
    text_y: str


def _bone(start: Point, end: Point, half_width: float) -> str:
    """SVG path of a long bone from ``start`` to ``end``: wide at both ends, narrow in the shaft."""
    (x0, y0), (x1, y1) = start, end
    length = hypot(x1 - x0, y1 - y0)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length

    def at(along: float, across: float) -> str:
        return f"{x0 + ux * along - uy * across:.1f} {y0 + uy * along + ux * across:.1f}"

    base, head, shaft = half_width * 1.08, half_width * 0.92, half_width * 0.58
    return (
        f"M{at(0, base * 0.75)}C{at(length * 0.14, base * 1.1)} {at(length * 0.2, shaft)} {at(length * 0.5, shaft)}"
        f"C{at(length * 0.8, shaft)} {at(length * 0.84, head * 1.1)} {at(length * 0.97, head * 0.85)}"
        f"Q{at(length * 1.03, 0)} {at(length * 0.97, -head * 0.85)}"
        f"C{at(length * 0.84, -head * 1.1)} {at(length * 0.8, -shaft)} {at(length * 0.5, -shaft)}"
        f"C{at(length * 0.2, -shaft)} {at(length * 0.14, -base * 1.1)} {at(0, -base * 0.75)}"
        f"Q{at(-length * 0.03, 0)} {at(0, base * 0.75)}Z"
    )


def _mirrored(point: Point, laterality: str) -> Point:
    return point if laterality == "R" else (WIDTH - point[0], point[1])


def bones(laterality: str) -> list[str]:
    """Paths of metacarpals and phalanges, with a gap at each joint."""
    paths = []
    for ray, points in RAYS.items():
        for index, (start, end) in enumerate(pairwise(points)):
            (x0, y0), (x1, y1) = _mirrored(start, laterality), _mirrored(end, laterality)
            gap = 2.6 / hypot(x1 - x0, y1 - y0)
            near, far = (gap if index else 0.0), gap
            paths.append(
                _bone(
                    (x0 + near * (x1 - x0), y0 + near * (y1 - y0)),
                    (x1 - far * (x1 - x0), y1 - far * (y1 - y0)),
                    9.2 - 1.7 * index - (0.6 if ray == 5 else 0),
                )
            )
    return paths


def carpals(laterality: str) -> list[tuple[str, str, str]]:
    """Centre and radius of the carpal bones, drawn only to make the hand a hand."""
    return [
        (f"{x:.0f}", f"{y:.0f}", f"{r:g}")
        for (x, y), r in ((_mirrored(c, laterality), r) for c, r in _CARPALS)
    ]


def spots(laterality: str, joints: list[str]) -> list[JointSpot]:
    """The given joints, proximal to distal in each ray."""
    found = []
    for ray, points in RAYS.items():
        for name, point in zip(_JOINT_NAMES[1 if ray == 1 else 2], points[1:], strict=False):
            if f"{name}{ray}" not in joints:
                continue
            x, y = _mirrored(point, laterality)
            # the words of a DIP joint stand above it: below, the PIP joint is too near
            text_y = y - 16.5 if name == "DIP" else y + 14
            found.append(JointSpot(f"{name}{ray}", f"{x:.0f}", f"{y:.0f}", f"{text_y:.0f}"))
    return found
