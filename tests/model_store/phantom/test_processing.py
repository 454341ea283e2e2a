"""Vendors' processing and what else lies on films."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model_store.phantom import Exposure, Furniture, Processing, Projection, expose, make_exposure
from model_store.phantom.processing import draw_processing, enhance, look_up

BARE = Exposure(furniture=Furniture(marker="none"))


def waves(period_mm: float, spacing_mm: float = 0.175) -> np.ndarray:
    x = np.arange(400) * spacing_mm
    return np.broadcast_to(0.01 * np.sin(2 * np.pi * x / period_mm), (400, 400)).astype(np.float32).copy()


def test_multi_frequency_enhancement_raises_the_octave_it_is_told_to() -> None:
    fine, broad = waves(1.2), waves(12.0)
    fine_gain = Processing(gains=(0.0, 1.0, 0.0, 0.0, 0.0))
    for pattern, least, most in ((fine, 1.2, 2.0), (broad, 0.99, 1.1)):
        ratio = enhance(pattern, fine_gain, 0.175)[50:-50, 50:-50].std() / pattern[50:-50, 50:-50].std()
        assert least < ratio < most


def test_evenness_raises_faint_detail_more_than_strong() -> None:
    even = Processing(gains=(0.5,) * 5, evenness=0.8)
    ratios = []
    for strength in (0.3, 30.0):
        pattern = strength * waves(1.2)
        ratios.append(enhance(pattern, even, 0.175)[50:-50, 50:-50].std() / pattern[50:-50, 50:-50].std())
    assert ratios[0] > ratios[1]


def test_no_processing_leaves_a_film_alone() -> None:
    pattern = waves(2.0)
    assert enhance(pattern, Processing(), 0.175) is pattern
    assert look_up(pattern, Processing()) is pattern


def test_a_drawn_look_up_table_rises_from_black_to_white() -> None:
    shades = np.linspace(0, 1, 50, dtype=np.float32)
    for seed in range(6):
        shown = look_up(shades, draw_processing(np.random.default_rng(seed), 1.0))
        assert (np.diff(shown) > 0).all()
        assert shown[0] == 0.0 and abs(shown[-1] - 1.0) < 1e-6


def test_a_ring_hides_the_bone_beneath_it(film_at_baseline: Projection) -> None:
    plain = expose(film_at_baseline, BARE, 1).pixels.astype(float)
    worn = replace(BARE, furniture=Furniture(marker="none", ring="MCP4", ring_mm=16.0, ring_width_mm=4.0))
    ringed = expose(film_at_baseline, worn, 1).pixels.astype(float)
    truth = film_at_baseline.joints["MCP4"]
    x, y = truth.to_film(np.array([0.0, -16.0 / 0.175])).round().astype(int)
    assert ringed[y - 5 : y + 6, x - 5 : x + 6].mean() > plain[y - 5 : y + 6, x - 5 : x + 6].mean() + 300


def test_a_band_exposed_twice_crosses_the_film(film_at_baseline: Projection) -> None:
    plain = expose(film_at_baseline, BARE, 1).pixels.astype(float)
    banded = expose(film_at_baseline, replace(BARE, furniture=Furniture(marker="none", band=True)), 1)
    change = np.abs(banded.pixels - plain).mean(axis=1)
    assert change.max() > 3 * np.median(change) + 20 or np.ptp(change) > 50


def test_two_machines_process_differently() -> None:
    assert len({make_exposure(seed).processing for seed in range(6)}) == 6
