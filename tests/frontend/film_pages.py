"""The page of a whole film as its tests use it: films with joints where they are drawn, and a pointer on the page."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from jsnsite.measurements.models import Run
from jsnsite.pages.hand import HEIGHT, WIDTH, spots
from jsnsite.radiographs.models import Radiograph
from jsnsite.radiographs.services import claim_radiograph, record_joints
from tests.frontend.films import LocatedJoint
from tests.frontend.world import World, add_film, add_patient, measure

PageOf = Callable[..., Page]
#: The joint that the locator has lost on the follow-up.
LOST = "PIP5"


def locate(film: Radiograph, *, without: str = "") -> Radiograph:
    """As the locating task leaves it, each joint where it is drawn."""
    claimed = claim_radiograph(film.uuid)
    assert claimed is not None
    found = [
        LocatedJoint(spot.joint, 2 * float(spot.x), 2 * float(spot.y), 0.0, 128.0, 0.9)
        for spot in spots(film.laterality, film.study.joints)
        if spot.joint != without
    ]
    assert (film.columns, film.rows) == (2 * WIDTH, 2 * HEIGHT)
    return record_joints(claimed, found)


def films_of_a_hand(world: World) -> list[Radiograph]:
    """Baseline and follow-up of a right hand, measured; one joint is lost on the follow-up."""
    patient = add_patient(world.sites[0], "BER-001", visits=2)
    nurse = world.people["nurse"]
    ready = []
    for timepoint, lost in zip(patient.timepoints.order_by("ordinal"), ("", LOST), strict=True):
        ready.append(locate(add_film(timepoint, "R", nurse, seed=70 + timepoint.ordinal), without=lost))
    measure(Run.objects.get())
    return ready


def opened(
    page_of: PageOf, film: Radiograph, who: str = "reader", query: str = "", **options: object
) -> Page:
    options = {"viewport": {"width": 1280, "height": 1000}} | options
    page = page_of(who, f"/radiographs/{film.uuid}/{query}", **options)
    expect(page.locator(".stage.ready")).to_be_visible(timeout=30_000)
    return page


def seen(page: Page) -> npt.NDArray[np.uint8]:
    """The film as it is on the screen, grey, without what lies over it."""
    picture = page.locator("[data-pixels-element] canvas").evaluate(
        """async canvas => {
            for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
            return canvas.toDataURL("image/png");
        }"""
    )
    return np.asarray(Image.open(BytesIO(b64decode(picture.split(",")[1]))).convert("L"))


def middle(of: Locator) -> tuple[float, float]:
    box = of.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by[0], start[1] + by[1], steps=4)
    page.mouse.up()


def numbers(page: Page) -> dict[str, float]:
    fields = ("x_px", "y_px", "angle_deg", "size_mm")
    return {name: float(page.locator(f"[name={name}]").input_value()) for name in fields}


def edit_region(page: Page) -> None:
    page.locator("[data-edit=region]").click()
    expect(page.locator(".region-editor")).to_be_visible()
