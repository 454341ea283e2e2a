"""Bone outlines that a person draws where the model's are wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max

from jsnsite.accounts.models import User
from jsnsite.errors import DomainError
from jsnsite.radiographs.models import Bone, BoneOutline, JointAnnotation, Radiograph, RadiographState
from jsnsite.radiographs.steps import ready, require
from jsnsite.scoping import Action

Point = Sequence[float]

MAX_POINTS = 600
#: The pipeline registers no bone that shows less than this (``workers.pipeline.quantify.SMALLEST_BONE_MM2``).
SMALLEST_MM2 = 12.0


@transaction.atomic
def draw_outline(
    *, annotation: JointAnnotation, bone: str, polygon: Sequence[Point], version: int, user: User
) -> BoneOutline:
    """A person draws where a bone ends, in film pixels; an empty ``polygon`` gives way to the model's again.

    ``annotation`` is the ROI that it was drawn in and ``version`` the outline's number that the person started
    from (0: none). Only this joint is measured again, in the pairs with this film.
    """
    radiograph = Radiograph.objects.select_for_update(no_key=True).get(pk=annotation.radiograph_id)
    require(user, Action.ANNOTATE, radiograph)
    if radiograph.state != RadiographState.READY or not radiograph.current:
        raise DomainError("radiograph_not_ready", "Outlines can be drawn once the film is processed.")
    if bone not in Bone.values:
        raise DomainError("bone_unknown", "Choose the upper or the lower bone.")
    if radiograph.annotations.filter(joint=annotation.joint, version__gt=annotation.version).exists():
        raise changed_meanwhile()
    drawn = BoneOutline.objects.filter(radiograph=radiograph, joint=annotation.joint, bone=bone)
    newest = drawn.aggregate(newest=Max("version"))["newest"] or 0
    if newest != version:
        raise changed_meanwhile()
    outline = BoneOutline.objects.create(
        radiograph=radiograph,
        joint=annotation.joint,
        bone=bone,
        version=newest + 1,
        annotation=annotation,
        polygon=_checked(polygon, radiograph),
        created_by=user,
    )
    ready(radiograph)
    return outline


def changed_meanwhile() -> DomainError:
    return DomainError(
        "changed_meanwhile", "Somebody else has corrected this joint meanwhile. Look at it as it is now."
    )


def _checked(polygon: Sequence[Point], radiograph: Radiograph) -> list[list[float]]:
    """The corners, to a hundredth of a pixel."""
    if not polygon:
        return []
    points = [[round(float(x), 2), round(float(y), 2)] for x, y in polygon]
    if not 3 <= len(points) <= MAX_POINTS:
        raise DomainError("outline_points", "An outline has 3 to %(most)s corners.", most=MAX_POINTS)
    for x, y in points:
        inside = -0.5 <= x <= radiograph.columns - 0.5 and -0.5 <= y <= radiograph.rows - 0.5
        if not inside:  # False for what is not a number, too
            raise DomainError("outline_outside", "The outline reaches beyond the film.")
    spacing_mm = radiograph.pixel_spacing_mm or math.nan
    if not _area(points) * spacing_mm**2 >= SMALLEST_MM2:
        raise DomainError(
            "outline_small",
            "The outline holds less than %(area)s mm² of bone: too little to measure.",
            area=round(SMALLEST_MM2),
        )
    return points


def _area(points: Sequence[Point]) -> float:
    turned = zip(points, [*points[1:], points[0]], strict=True)
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in turned)) / 2
