"""Celery tasks around the pipeline. Each claims its row, works outside of any transaction, and records."""

from __future__ import annotations

import numpy as np

from jsnsite.measurements import services as measurements
from jsnsite.measurements.models import Run
from jsnsite.queue import LOCATE_JOINTS, QUANTIFY_PAIR
from jsnsite.radiographs import services as radiographs
from jsnsite.radiographs.models import BoneOutline, JointAnnotation, Radiograph
from workers.inference import get_backend
from workers.pipeline.locate import locate_hand
from workers.pipeline.quantify import quantify_hands
from workers.pipeline.types import Laterality, LocatedJoint, Outlines
from workers.tasks.provenance import provenance
from workers.tasks.recovery import resend_lost
from workers.tasks.reliable import reliable

__all__ = ["locate_joints", "quantify_pair", "resend_lost"]


@reliable(LOCATE_JOINTS, claim=radiographs.claim_radiograph, fail=radiographs.fail_radiograph)
def locate_joints(radiograph: Radiograph) -> None:
    """Find the joints of a queued radiograph; its pairs are scheduled when it becomes ready."""
    hand = locate_hand(
        radiographs.load_pixels(radiograph),
        pixel_spacing_mm=radiograph.pixel_spacing_mm,
        laterality=_side(radiograph.laterality),
        backend=get_backend(),
    )
    radiographs.record_joints(radiograph, hand.joints, found_laterality=hand.laterality)


@reliable(QUANTIFY_PAIR, claim=measurements.claim_run, fail=measurements.fail_run)
def quantify_pair(run: Run) -> None:
    """Measure all joints of one hand between two timepoints."""
    backend = get_backend()
    pair = measurements.pair_inputs(run)
    results = quantify_hands(
        radiographs.load_pixels(pair.baseline),
        radiographs.load_pixels(pair.followup),
        _spacing(pair.baseline),
        _spacing(pair.followup),
        laterality=_side(pair.laterality),
        annotations=(_located(pair.baseline_annotations), _located(pair.followup_annotations)),
        outlines=(_drawn(pair.baseline_outlines), _drawn(pair.followup_outlines)),
        backend=backend,
    )
    measurements.record_run(run, results.values(), provenance(backend))


def _side(laterality: str) -> Laterality:
    return "L" if laterality == "L" else "R"


def _spacing(radiograph: Radiograph) -> float:
    # the database lets no radiograph without spacing be queued
    assert radiograph.pixel_spacing_mm is not None
    return radiograph.pixel_spacing_mm


def _located(annotations: dict[str, JointAnnotation]) -> list[LocatedJoint]:
    return [
        LocatedJoint(row.joint, row.x_px, row.y_px, row.angle_deg, row.size_px, row.confidence)
        for row in annotations.values()
    ]


def _drawn(outlines: dict[str, dict[str, BoneOutline]]) -> dict[str, Outlines]:
    return {
        joint: {bone: np.asarray(row.polygon, np.float64) for bone, row in bones.items()}
        for joint, bones in outlines.items()
    }
