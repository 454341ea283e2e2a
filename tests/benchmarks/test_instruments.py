"""What the benchmark measures with: the bound and the peers on material where the answer is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tests.benchmarks.bounds import fisher, noise_spectrum
from tests.benchmarks.peers import PEERS, regions
from tests.benchmarks.scores import clopper_pearson, score

SHAPE = (96, 96)


def test_the_information_in_white_noise_is_the_sum_of_squared_derivatives() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, *SHAPE))
    found = fisher([one, two], np.ones(SHAPE))
    assert np.allclose(found, [[(one**2).sum(), (one * two).sum()], [(one * two).sum(), (two**2).sum()]])


def test_the_spectrum_of_filtered_noise_is_that_of_its_filter() -> None:
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.normal(size=(200, *SHAPE)), (0, 0.6, 0.6), mode="wrap")
    frequency = 2 * np.pi * np.fft.fftfreq(SHAPE[0])
    kernel = ndimage.gaussian_filter(np.eye(1, SHAPE[0], 0)[0], 0.6, mode="wrap")
    response = np.abs(np.fft.fft(kernel)) ** 2
    found = noise_spectrum(noise, np.ones(SHAPE))
    low = np.abs(frequency) < 2.0
    assert np.allclose(found[low][:, low], np.outer(response, response)[low][:, low], rtol=0.15)


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_reads_two_bones_that_moved_apart(name: str) -> None:
    fixed, moving, spacing_mm = _film(0.0, 0.0), _film(1.4, -0.7), 0.175
    masks = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    masks[0][4:44, 26:70] = True
    masks[1][52:92, 26:70] = True
    moved = np.roll(masks[0], 1, axis=0), np.roll(masks[1], -1, axis=0)
    found = PEERS[name](fixed, moving, regions(masks, spacing_mm), regions(moved, spacing_mm), spacing_mm)
    assert found == pytest.approx(2.1 * spacing_mm, abs=0.02)


def _film(upper_px: float, lower_px: float) -> np.ndarray:
    """Two textured blocks, the upper one moved down by ``upper_px``, the lower one by ``lower_px``."""
    rng = np.random.default_rng(1)
    film = rng.normal(0.0, 2.0, SHAPE)
    for top, shift in ((14, upper_px), (60, lower_px)):
        bone = np.zeros(SHAPE)
        bone[top : top + 22, 32:64] = 600 + 300 * rng.normal(size=(22, 32))
        bone = ndimage.gaussian_filter(bone, 1.5)
        film = film + ndimage.shift(bone, (shift, 0.0), order=5)
        rng = np.random.default_rng(2)
    return film.astype(np.float32)


def test_a_share_of_none_in_ten_thousand_may_still_be_one_in_three_thousand() -> None:
    assert clopper_pearson(0, 10_000)[1] == pytest.approx(1 - 0.025 ** (1 / 10_000))


def test_a_failed_joint_is_counted_and_enters_no_mean() -> None:
    found = score([0.1, -0.1, float("nan")])
    assert (found.count, found.failed) == (3, 1)
    assert found.rmse == pytest.approx(0.1)
