"""Training data is what it says: geometry that inverts, masks that fit their image, landmarks that are the joints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from model_store.locator.contract import INPUT_PX as FILM_PX
from model_store.locator.contract import LANDMARKS
from model_store.locator.network import decode
from model_store.phantom import Projection, make_pose, make_subject, project
from model_store.segmenter.contract import INPUT_PX as ROI_PX
from model_store.training import augment
from model_store.training.__main__ import gentler
from model_store.training.locator_task import compose_films, gaussian_targets
from model_store.training.loop import Schedule
from model_store.training.pool import (
    HAND_SHAPE,
    HAND_STEP,
    Hand,
    draw_disease,
    load_pool,
    locate_landmarks,
    make_hand,
    make_pool,
    with_growth_plates,
)
from model_store.training.rois import cut_off
from model_store.training.segmenter_task import boundary, compose_rois


@pytest.fixture(scope="module")
def hand() -> Hand:
    return make_hand(2_000_010)


@pytest.fixture(scope="module")
def projection() -> Projection:
    return project(make_subject(2_000_011), make_pose(1), pixel_spacing_mm=0.35, supersample=1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_matrices(count: int) -> torch.Tensor:
    g = generator(3)
    return augment.affine(
        augment.uniform(count, -180, 180, g),
        augment.uniform(count, 0.5, 2.0, g),
        torch.rand(count, 2, generator=g) * 50,
        torch.tensor([20.0, 30.0]),
        augment.sometimes(count, 0.5, g),
    )


def test_an_affine_map_and_its_inverse_cancel() -> None:
    matrix = random_matrices(6)
    identity = augment.compose(matrix, augment.inverse(matrix))
    torch.testing.assert_close(identity, torch.eye(3)[:2].expand(6, 2, 3), atol=1e-4, rtol=0)


def test_a_point_of_an_image_goes_where_its_landmark_goes() -> None:
    point = torch.tensor([[[40.0, 25.0]]])
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    image = torch.exp(-((x - 40.0) ** 2 + (y - 25.0) ** 2) / 18.0)[None, None]
    angle, scale = torch.tensor([30.0]), torch.tensor([0.8])
    matrix = augment.affine(
        angle, scale, torch.tensor([[31.5, 31.5]]), torch.tensor([31.5, 31.5]), torch.ones(1)
    )
    warped = augment.warp(image, matrix, (64, 64))[0, 0]
    peak = divmod(int(warped.argmax()), 64)
    moved = augment.transform(augment.inverse(matrix), point)[0, 0]
    assert (peak[1], peak[0]) == pytest.approx(moved.tolist(), abs=0.8)


def test_band_noise_has_the_period_that_was_asked_for() -> None:
    noise = augment.band_noise(1, (128, 128), torch.tensor([8.0]), generator())[0, 0]
    spectrum = torch.fft.rfft(noise, dim=1).abs().mean(0)
    assert 128 / int(spectrum.argmax()) == pytest.approx(8.0, rel=0.5)
    assert float(noise.std()) == pytest.approx(1.0, abs=1e-3)


def test_masks_lie_where_their_bones_are_bright(hand: Hand) -> None:
    image, masks = compose_rois(torch.from_numpy(hand.rois), generator())
    assert image.shape == (len(hand.rois), 1, ROI_PX, ROI_PX)
    assert masks.shape == (len(hand.rois), 2, ROI_PX, ROI_PX)
    assert torch.isfinite(image).all()
    assert set(masks.unique().tolist()) <= {0.0, 1.0}
    bone = masks.amax(1, keepdim=True) > 0
    brighter = [
        float(i[b].mean() - i[~b].mean()) for i, b in zip(image, bone, strict=True) if b.any() and (~b).any()
    ]
    assert np.median(brighter) > 0


def test_the_upper_bone_lies_above_the_lower_one(hand: Hand) -> None:
    _, masks = compose_rois(torch.from_numpy(np.repeat(hand.rois, 4, axis=0)), generator(1))
    rows = torch.arange(ROI_PX, dtype=torch.float32)[:, None]
    upper, lower = ((masks[:, bone] * rows).sum((1, 2)) / masks[:, bone].sum((1, 2)) for bone in (0, 1))
    assert (upper[~upper.isnan()] < ROI_PX * 0.6).all()
    assert float((lower - upper).nanmedian()) > 20


def test_what_lies_beyond_the_film_repeats_its_edge_and_is_no_bone() -> None:
    image = torch.arange(32.0).expand(200, 1, 32, 32).clone()
    cut, masks = cut_off(image, torch.ones(200, 2, 32, 32), generator(4))
    struck = (masks == 0).flatten(1).any(1)
    assert 0.03 < float(struck.float().mean()) < 0.3
    torch.testing.assert_close(cut[~struck], image[~struck])
    for shown, mask in zip(cut[struck], masks[struck], strict=True):
        inside = shown[0][mask[0] > 0]
        assert inside.min() <= shown.min() and inside.max() >= shown.max()


def test_diseased_hands_are_drawn_beside_healthy_ones() -> None:
    subject, pose = make_subject(2_000_012), make_pose(1)
    drawn = [draw_disease(np.random.default_rng(seed), subject, pose) for seed in range(12)]
    healthy = sum(other is subject for other, _, _ in drawn)
    assert 1 <= healthy <= 8
    assert any(lost for _, _, lost in drawn)
    assert any(other.bones is not subject.bones for other, _, _ in drawn)


def test_fine_tuning_is_slower_and_shorter_than_training() -> None:
    schedule = Schedule(steps=2000, batch_size=8, learning_rate=2e-3)
    gentle = gentler(schedule, 400)
    assert gentle.steps == 400
    assert gentle.learning_rate < schedule.learning_rate
    assert gentle.validate_every <= 100


def test_a_boundary_is_thin_and_lies_on_the_edge() -> None:
    mask = torch.zeros(1, 1, 20, 20)
    mask[..., :10, :] = 1
    assert boundary(mask)[0, 0, :, 5].nonzero()[:, 0].tolist() == [9, 10]


def test_the_landmarks_of_the_pool_are_the_phantoms_joints(projection: Projection) -> None:
    found = dict(zip(LANDMARKS, locate_landmarks(projection), strict=True))
    for name, truth in projection.joints.items():
        assert found[name] == pytest.approx((truth.x_px, truth.y_px))
    for ray in range(2, 6):
        knuckle, joint, tip = found[f"MCP{ray}"], found[f"DIP{ray}"], found[f"TIP{ray}"]
        assert np.linalg.norm(tip - knuckle) > np.linalg.norm(joint - knuckle)


def test_a_growth_plate_takes_bone_away_and_adds_none(projection: Projection) -> None:
    young = with_growth_plates(projection, np.random.default_rng(0))
    assert (young.bone_mm() <= projection.bone_mm() + 1e-4).all()
    assert young.bone_mm().sum() < 0.995 * projection.bone_mm().sum()


def test_a_hand_of_the_pool_is_whole_and_its_landmarks_lie_on_bone(hand: Hand) -> None:
    assert hand.bone.shape == hand.soft.shape == HAND_SHAPE
    assert HAND_STEP == 3
    for x, y in hand.landmarks:
        around = hand.bone[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5]
        assert around.max() > 0.5


def test_heatmap_targets_are_distributions_that_decode_to_their_points() -> None:
    points = torch.tensor([[[100.3, 60.8], [300.0, 20.0]]])
    present = torch.tensor([[1.0, 0.0]])
    target = gaussian_targets(points, present)
    torch.testing.assert_close(target.sum(-1), torch.ones(1, 2))
    assert target[0, 1, -1] == 1
    side = FILM_PX // 2
    found, _ = decode(target[:, :1, :-1].clamp_min(1e-12).log().reshape(1, 1, side, side) + 20)
    assert found[0, 0].tolist() == pytest.approx([100.3, 60.8], abs=0.2)


@pytest.mark.parametrize(("close_up", "no_hand"), [(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)])
def test_films_come_with_the_landmarks_that_are_on_them(hand: Hand, close_up: float, no_hand: float) -> None:
    layers = (torch.from_numpy(hand.bone)[None], torch.from_numpy(hand.soft)[None])
    bone, soft = (layer.expand(6, -1, -1) for layer in layers)
    landmarks = torch.from_numpy(hand.landmarks)[None].expand(6, -1, -1)
    image, points, present = compose_films(bone, soft, landmarks, generator(), close_up, no_hand)
    assert image.shape == (6, 1, FILM_PX, FILM_PX)
    assert torch.isfinite(image).all()
    if no_hand:
        assert present.sum() == 0
    else:
        assert present.mean() > 0.6
        shown = points[present > 0]
        assert (shown > -0.5).all() and (shown < FILM_PX).all()


def test_a_pool_is_made_once_and_read_back(tmp_path: Path, hand: Hand) -> None:
    files = make_pool(tmp_path, [2_000_010])
    written = files[0].stat().st_mtime_ns
    assert make_pool(tmp_path, [2_000_010])[0].stat().st_mtime_ns == written
    stored: Mapping[str, object] = {key: load_pool(files, key) for key in ("bone", "landmarks", "rois")}
    np.testing.assert_array_equal(stored["bone"], hand.bone[None])
    np.testing.assert_array_equal(stored["rois"], hand.rois)
