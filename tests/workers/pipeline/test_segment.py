"""Segmentation of ROIs of any size and spacing, on their own pixels."""

from __future__ import annotations

import numpy as np
import pytest

from model_store.phantom import Projection, bone_masks, joint_layers, make_pose, make_subject, project
from workers.inference.inprocess import InProcessBackend
from workers.pipeline.segment import keep_bone, segment_rois
from workers.pipeline.types import BoolArray, FloatArray


@pytest.fixture(scope="module")
def backend() -> InProcessBackend:
    return InProcessBackend()


@pytest.fixture(scope="module")
def hand() -> Projection:
    return project(make_subject(2_000_004), make_pose(6, spread=0.4))


def roi(hand: Projection, joint: str, side: int, oversample: int) -> FloatArray:
    upper, lower, others, soft = joint_layers(hand, joint, side, oversample)
    return np.asarray(0.125 * (upper + lower + others) + 0.025 * soft, np.float32)


def dice(found: BoolArray, truth: BoolArray) -> float:
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def test_rois_of_different_sizes_and_spacings_go_in_one_request(
    hand: Projection, backend: InProcessBackend
) -> None:
    rois = [roi(hand, "MCP2", 128, 1), roi(hand, "PIP3", 250, 2)]
    masks = segment_rois(rois, [0.175, 0.0875], backend)
    truths = [bone_masks(hand, "MCP2", size_px=128), bone_masks(hand, "PIP3", size_px=250, oversample=2)]
    for image, found, truth in zip(rois, masks, truths, strict=True):
        for probability, mask in zip(found, truth, strict=True):
            assert probability.shape == image.shape
            assert probability.min() >= 0.0 and probability.max() <= 1.0
            assert dice(probability > 0.5, mask) > 0.93


def test_no_roi_needs_no_model(backend: InProcessBackend) -> None:
    assert segment_rois([], 0.175, backend) == []


def test_spacings_must_fit_the_rois(hand: Projection, backend: InProcessBackend) -> None:
    image = roi(hand, "MCP2", 128, 1)
    with pytest.raises(ValueError, match="2 ROIs need"):
        segment_rois([image, image], [0.175, 0.175, 0.175], backend)
    with pytest.raises(ValueError, match="positive"):
        segment_rois([image], -0.175, backend)


def test_only_the_bone_of_the_joint_is_kept() -> None:
    probability = np.zeros((128, 128), np.float32)
    probability[:60, 44:84] = 0.9  # the bone
    probability[20:24, 60:64] = 0.1  # a hole in it
    probability[:50, :20] = 0.9  # a neighbour
    kept = keep_bone(probability, is_upper=True) > 0.5
    assert kept[10, 50] and kept[22, 62]
    assert not kept[:, :20].any()


def test_no_bone_stays_no_bone() -> None:
    assert not keep_bone(np.full((64, 64), 0.2, np.float32), is_upper=False).any()
