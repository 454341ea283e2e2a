"""What the segmenter promises: two bones, told apart on phantom joints, whatever the exposure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from model_store import registry
from model_store.base import ServedModel
from model_store.phantom import (
    Projection,
    bone_masks,
    expose,
    joint_layers,
    make_exposure,
    make_pose,
    make_subject,
    project,
)
from model_store.segmenter.contract import INPUT_PX
from model_store.segmenter.network import JointSegmenter, standardise

JOINTS = ("MCP2", "MCP3", "MCP5", "PIP2", "PIP4", "IP1")


@pytest.fixture(scope="module")
def segmenter() -> ServedModel:
    return registry.load("segmenter")


@pytest.fixture(scope="module")
def hand() -> Projection:
    return project(make_subject(2_000_001), make_pose(5, spread=0.4))


def roi(hand: Projection, joint: str) -> npt.NDArray[np.float32]:
    """A plainly exposed ROI: attenuation of the joint's own layers."""
    upper, lower, others, soft = joint_layers(hand, joint, INPUT_PX, 1)
    return np.asarray(0.125 * (upper + lower + others) + 0.025 * soft, np.float32)


def dice(found: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


@pytest.mark.parametrize("joint", JOINTS)
def test_both_bones_of_a_phantom_joint_are_found(
    segmenter: ServedModel, hand: Projection, joint: str
) -> None:
    found = segmenter({"image": roi(hand, joint)[None, None]})["probability"][0] > 0.5
    upper, lower = bone_masks(hand, joint, size_px=INPUT_PX)
    assert dice(found[0], upper) > 0.93
    assert dice(found[1], lower) > 0.93


def test_brightness_and_contrast_of_the_film_do_not_matter(segmenter: ServedModel, hand: Projection) -> None:
    image = roi(hand, "MCP2")[None, None]
    plain = segmenter({"image": image})["probability"]
    other = segmenter({"image": 700.0 * image + 350.0})["probability"]
    np.testing.assert_allclose(plain, other, atol=1e-3)


def test_a_joint_reads_the_same_alone_and_in_a_batch(segmenter: ServedModel, hand: Projection) -> None:
    images = np.stack([roi(hand, joint)[None] for joint in JOINTS])
    together = segmenter({"image": images})["probability"]
    alone = segmenter({"image": images[2:3]})["probability"]
    np.testing.assert_allclose(together[2:3], alone, atol=1e-4)


def test_an_empty_batch_gives_an_empty_answer(segmenter: ServedModel) -> None:
    assert segmenter({"image": np.zeros((0, 1, INPUT_PX, INPUT_PX), np.float32)})["probability"].shape[0] == 0


@pytest.mark.parametrize("shape", [(1, 1, 64, 64), (1, 3, 128, 128), (128, 128)])
def test_an_image_of_another_shape_is_refused_in_words(
    segmenter: ServedModel, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="takes images of"):
        segmenter({"image": np.zeros(shape, np.float32)})


def test_pixels_that_are_not_numbers_are_refused(segmenter: ServedModel) -> None:
    with pytest.raises(ValueError, match="finite"):
        segmenter({"image": np.full((1, 1, INPUT_PX, INPUT_PX), np.nan, np.float32)})


def test_the_first_convolution_is_seven_by_seven_and_each_level_below_the_finest_adds_an_output() -> None:
    network = JointSegmenter(features=(8, 8, 8))
    first = next(module for module in network.modules() if isinstance(module, torch.nn.Conv2d))
    assert first.kernel_size == (7, 7)
    outputs = network.eval().supervised(torch.rand(1, 1, 32, 32))
    assert [output.shape for output in outputs] == [(1, 2, 32, 32)] * 2


def test_the_deepest_output_is_the_answer() -> None:
    network = JointSegmenter().eval()
    image = torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(network(image), network.supervised(image)[-1])


def test_standardising_twice_changes_nothing() -> None:
    image = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 40 + 7
    torch.testing.assert_close(standardise(standardise(image)), standardise(image), atol=1e-5, rtol=0)


def test_an_exposed_film_is_segmented_as_well(segmenter: ServedModel, hand: Projection) -> None:
    film = expose(hand, make_exposure(3), seed=3)
    truth = hand.joints["MCP3"]
    x, y = round(truth.x_px), round(truth.y_px)
    half = INPUT_PX // 2
    image = film.pixels[y - half : y + half, x - half : x + half].astype(np.float32)
    found = segmenter({"image": image[None, None]})["probability"][0] > 0.5
    upper, lower = (mask[y - half : y + half, x - half : x + half] for mask in bone_masks(hand, "MCP3"))
    assert dice(found[0], upper) > 0.9
    assert dice(found[1], lower) > 0.9
