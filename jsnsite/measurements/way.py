"""From joint to joint: along the hand, or along a reader's worklist."""

from __future__ import annotations

from dataclasses import dataclass

from jsnsite.measurements.models import JointMeasurement
from jsnsite.pages.shortcuts import SignedInRequest
from jsnsite.reviews.worklist import Progress, Worklist


@dataclass(frozen=True)
class Way:
    """The neighbours of a joint. ``query`` keeps every address on the page to the way, ``list_query`` leads back to
    the list; ``progress`` is None along the hand.
    """

    previous: JointMeasurement | None
    next: JointMeasurement | None
    query: str = ""
    list_query: str = ""
    progress: Progress | None = None


def way(request: SignedInRequest, measurement: JointMeasurement, siblings: list[JointMeasurement]) -> Way:
    """The way that the address asks for: ``?list=worklist`` with its filters, or else along the hand."""
    if request.GET.get("list") == "worklist":
        return _along_worklist(Worklist(request), measurement)
    return _along_hand(measurement, siblings)


def _along_worklist(worklist: Worklist, measurement: JointMeasurement) -> Way:
    previous, following = worklist.around(measurement)
    query = worklist.filters.query()
    return Way(
        previous=previous,
        next=following,
        query="?" + worklist.filters.query(list="worklist"),
        list_query=f"?{query}" if query else "",
        progress=worklist.progress,
    )


def _along_hand(measurement: JointMeasurement, siblings: list[JointMeasurement]) -> Way:
    """The joints of the same pair of films, in the study's order."""
    order = measurement.followup.study.joints
    joints = [s for s in siblings if _pair(s) == _pair(measurement) and s.joint in order]
    joints.sort(key=lambda sibling: order.index(sibling.joint))
    place = next((i for i, s in enumerate(joints) if s.joint == measurement.joint), None)
    if place is None:
        return Way(None, None)
    return Way(
        previous=joints[place - 1] if place else None,
        next=joints[place + 1] if place + 1 < len(joints) else None,
    )


def _pair(measurement: JointMeasurement) -> tuple[int, int]:
    """Joints that were corrected one by one have runs of their own, of the same pair of films."""
    return measurement.run.baseline_id, measurement.run.followup_id
