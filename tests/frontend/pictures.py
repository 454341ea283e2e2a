"""Looking at the viewer's pixels, and a joint made to be looked at: losses and shifts that are known."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Page
from scipy.ndimage import shift

from jsnsite.measurements.models import JointMeasurement, Run
from jsnsite.measurements.recording import record_run
from jsnsite.measurements.services import claim_run
from tests.frontend.films import ROI_PX, JointResult, joint_result
from tests.frontend.world import PROVENANCE, World, add_film, add_patient, make_ready

Pixels = npt.NDArray[np.uint8]
#: Sides of the squares of equal loss, pixels, and what the loss rises by from one to the next.
BLOCK, STEP = 8, 0.15
#: How far the follow-up as taken lies from the baseline: right and down, pixels.
MOVED = (3.0, 2.0)
#: Stops of matplotlib's inferno at ninths.
INFERNO = [
    (0, 0, 4), (27, 12, 65), (74, 12, 107), (120, 28, 109), (165, 44, 96),
    (207, 68, 70), (237, 105, 37), (251, 155, 6), (247, 209, 61), (252, 255, 164),
]  # fmt: skip


def wait_for(page: Page, script: str, given: Any = None) -> None:
    """Until ``script`` is true. Playwright's own way evaluates in the page, which its security policy forbids."""
    for _ in range(200):
        if page.evaluate(script, given):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {script}")


def pixels(page: Page, pane: str) -> Pixels:
    """What a pane's canvas holds, (H, W, 3)."""
    address = page.evaluate("pane => document.querySelector(`canvas[data-pane=${pane}]`).toDataURL()", pane)
    return np.asarray(Image.open(BytesIO(b64decode(address.partition(",")[2]))).convert("RGB"))


def seen(page: Page, pane: str) -> Pixels:
    """What the screen shows where a pane's canvas is, (H, W, 3)."""
    box = page.locator(f"canvas[data-pane={pane}]").bounding_box()
    assert box is not None
    shot = page.screenshot(
        clip={"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}
    )
    return np.asarray(Image.open(BytesIO(shot)).convert("RGB"))


def at(picture: Pixels, x: int, y: int) -> npt.NDArray[np.int64]:
    """The colour at the centre of the image's pixel (x, y), when all of the image is shown."""
    scale = picture.shape[0] / ROI_PX
    return picture[int((y + 0.5) * scale), int((x + 0.5) * scale)].astype(int)


def inferno(value: float) -> npt.NDArray[Any]:
    """The scale's colour at a share of its top."""
    places = np.linspace(0, 1, len(INFERNO))
    return np.array([np.interp(value, places, [stop[c] for stop in INFERNO]) for c in range(3)])


def displacement(first: Pixels, second: Pixels) -> tuple[float, float]:
    """How far ``second`` lies right and down of ``first``, pixels, to a fraction, by phase correlation."""
    window = np.hanning(first.shape[0])[:, None] * np.hanning(first.shape[1])[None]
    a, b = ((p.mean(axis=2) - p.mean()) * window for p in (first, second))
    cross = np.fft.fft2(b) * np.conj(np.fft.fft2(a))
    near = np.fft.fftshift(np.fft.ifft2(cross / np.maximum(np.abs(cross), 1e-9)).real)
    y, x = np.unravel_index(near.argmax(), near.shape)
    patch = np.clip(near[y - 2 : y + 3, x - 2 : x + 3], 0, None)
    rows, columns = np.mgrid[-2:3, -2:3]
    centre_y, centre_x = (patch * rows).sum() / patch.sum(), (patch * columns).sum() / patch.sum()
    return float(x + centre_x - near.shape[1] // 2), float(y + centre_y - near.shape[0] // 2)


def loss_at(x: int, y: int) -> float:
    """Loss of the known joint: squares whose loss rises in steps from 0 to beyond the scale's top and starts anew."""
    return STEP * ((x // BLOCK + 3 * (y // BLOCK)) % 9)


def known_result(joint: str = "MCP2") -> JointResult:
    """A joint whose follow-up is exactly the baseline once registered, and was taken ``MOVED`` away."""
    made = joint_result(joint, 0.3, reliability="review", reasons=("poor_match_upper",), sigma_mm=0.06)
    y, x = np.mgrid[:ROI_PX, :ROI_PX]
    loss = np.where(made.masks.upper | made.masks.lower, loss_at(x, y), np.nan).astype(np.float32)
    moving = shift(made.fixed, (MOVED[1], MOVED[0]), order=3, mode="nearest").astype(np.float32)
    return replace(made, loss_map=loss, warped=made.fixed.copy(), moving=moving)


def known_joint(world: World, result: JointResult | None = None) -> JointMeasurement:
    """The known joint, recorded; all others of the hand were not found."""
    patient = add_patient(world.sites[0], "BER-009", visits=2)
    for timepoint in patient.timepoints.order_by("ordinal"):
        make_ready(add_film(timepoint, "R", world.people["nurse"], seed=90 + timepoint.ordinal))
    run = claim_run(Run.objects.get(followup__timepoint__patient=patient).uuid)
    assert run is not None and record_run(run, [result or known_result()], PROVENANCE)
    return JointMeasurement.objects.exclude(artifact="").get(run=run)
