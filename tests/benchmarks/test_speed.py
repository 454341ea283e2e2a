"""How long it takes: `make benchmark ONLY=speed`. Nothing here asserts on time."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import cycle, islice

import pytest
import torch

from model_store import registry
from tests.benchmarks import settings
from tests.benchmarks.cases import SPACING_MM, Case, in_plane
from tests.benchmarks.measure import by_peer
from tests.benchmarks.peers import PEERS
from tests.benchmarks.report import Found, section
from tests.benchmarks.table import table, verdict
from workers.inference import get_backend
from workers.inference.inprocess import InProcessBackend
from workers.pipeline import quantify_joints
from workers.pipeline.segment import segment_rois

pytestmark = pytest.mark.timeout(7200)


def test_speed() -> None:
    section("speed", _speed)


def _speed() -> Found:
    cases = [case for number in range(settings.IN_PLANE_HANDS) for case in in_plane(number).cases()]
    batch = list(islice(cycle(cases), settings.SPEED_JOINTS))
    fixed, moving = [case.fixed for case in batch], [case.moving for case in batch]
    backend = get_backend()
    quantify_joints(fixed[:4], moving[:4], SPACING_MM)  # loads the models

    def both() -> None:
        quantify_joints(fixed, moving, SPACING_MM)

    def registration() -> None:
        quantify_joints(
            fixed,
            moving,
            SPACING_MM,
            fixed_masks=[case.fixed_masks for case in batch],
            moving_masks=[case.moving_masks for case in batch],
        )

    def segmentation() -> None:
        segment_rois([*fixed, *moving], SPACING_MM, backend)

    ms = {
        "JSN: ROI to result": _ms(both, len(batch)),
        "JSN: segmentation of both ROIs": _ms(segmentation, len(batch)),
        "JSN: registration, masks given": _ms(registration, len(batch)),
    }
    own = ms["JSN: registration, masks given"]
    few = batch[: settings.SPEED_PEER_JOINTS]
    for name in PEERS:
        ms[name] = by_peer(name, few).ms_a_joint
    lines = [[name, f"{value:.1f}", f"{value / own:.2f}"] for name, value in ms.items()]
    text = (
        f"One core, batch of {len(batch)} joints (peers {len(few)}), ROIs of {batch[0].fixed.shape[0]} px, processor "
        "time, which other processes on the machine disturb least; peers register both bones, masks given.\n\n"
        + table(("what", "ms a joint", "x JSN's registration"), lines)
        + f"\n\n- Target <= 60 ms a joint, segmentation and registration: {verdict(ms['JSN: ROI to result'] <= 60)}"
        + f"\n- Target >= 20x SimpleITK, registration: {verdict(ms['SimpleITK'] >= 20 * own)}"
    )
    if torch.cuda.is_available():
        text += f"\n\n{_on_card(cases)}"
    return Found(text)


def _ms(work: Callable[[], None], joints: int) -> float:
    """Processor time a joint, the better of two."""
    found = []
    for _ in range(2):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return 1000 * min(found) / joints


def _on_card(cases: list[Case]) -> str:
    """Joint pairs a second on the graphics card, ROI to result."""
    backend = InProcessBackend(load=lambda name: registry.load(name, device="cuda"))
    batch = list(islice(cycle(cases), settings.GPU_JOINTS))
    fixed, moving = [case.fixed for case in batch], [case.moving for case in batch]
    quantify_joints(fixed, moving, SPACING_MM, backend=backend)
    start = time.perf_counter()
    quantify_joints(fixed, moving, SPACING_MM, backend=backend)
    rate = len(batch) / (time.perf_counter() - start)
    return (
        f"On {torch.cuda.get_device_name()}, batch of {len(batch)}: {rate:.0f} joint pairs a second "
        f"(target >= 3,000: {verdict(rate >= 3000)})."
    )
