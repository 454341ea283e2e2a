"""The joints of a hand are found at any rotation, on either side, and nowhere else than on hands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from model_store.phantom import JointTruth, expose, make_exposure, make_pose, make_subject, project
from workers.inference.inprocess import InProcessBackend
from workers.pipeline import locate_joints
from workers.pipeline.locate import joint_axis, locate_hand
from workers.pipeline.types import JOINTS, FloatArray, LocatedJoint

DICOM = Path(__file__).resolve().parents[4] / "shared" / "data" / "dicom"
SPACING_MM = 0.2

Film = tuple[FloatArray, dict[str, JointTruth]]


@pytest.fixture(scope="module")
def backend() -> InProcessBackend:
    return InProcessBackend()


@pytest.fixture(scope="module")
def right_hand() -> Film:
    projection = project(
        make_subject(2_000_003, "R"), make_pose(9), pixel_spacing_mm=SPACING_MM, supersample=1
    )
    film = expose(projection, make_exposure(4, spread=0.5), seed=1)
    return film.pixels.astype(np.float32), dict(projection.joints)


def errors_mm(found: list[LocatedJoint], truth: dict[str, tuple[float, float]]) -> list[float]:
    return [
        SPACING_MM * float(np.hypot(j.x_px - truth[j.joint][0], j.y_px - truth[j.joint][1])) for j in found
    ]


def test_the_ten_joints_of_a_hand_are_found(right_hand: Film, backend: InProcessBackend) -> None:
    film, truth = right_hand
    found = locate_joints(film, pixel_spacing_mm=SPACING_MM, backend=backend)
    assert tuple(joint.joint for joint in found) == JOINTS
    assert max(errors_mm(found, {name: (t.x_px, t.y_px) for name, t in truth.items()})) < 2.5
    for joint in found:
        turn = np.deg2rad(joint.angle_deg - truth[joint.joint].angle_deg)
        assert np.rad2deg(np.arccos(np.cos(turn))) < 12
        assert joint.size_px == pytest.approx(22.4 / SPACING_MM)
        assert joint.confidence > 0.3


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_film_gives_the_same_joints(
    right_hand: Film, backend: InProcessBackend, quarters: int
) -> None:
    film, truth = right_hand
    turned = np.ascontiguousarray(np.rot90(film, quarters))
    height, width = film.shape
    places = {}
    for name, joint in truth.items():
        x, y = joint.x_px, joint.y_px
        for step in range(quarters):
            x, y = y, (width if step % 2 == 0 else height) - 1 - x
        places[name] = (x, y)
    found = locate_hand(turned, pixel_spacing_mm=SPACING_MM, backend=backend)
    assert found.laterality == "R"
    assert len(found.joints) == 14
    assert max(errors_mm(found.joints, places)) < 3.0


def test_a_mirrored_right_hand_is_a_left_hand(right_hand: Film, backend: InProcessBackend) -> None:
    film, truth = right_hand
    found = locate_hand(np.ascontiguousarray(film[:, ::-1]), backend=backend, laterality="R")
    assert found.laterality == "L"
    places = {name: (film.shape[1] - 1 - joint.x_px, joint.y_px) for name, joint in truth.items()}
    assert max(errors_mm(found.joints, places)) < 2.5


@pytest.mark.parametrize("darkness", [1.0, 2.5])
def test_a_white_border_and_a_dark_hand_hide_no_joint(
    right_hand: Film, backend: InProcessBackend, darkness: float
) -> None:
    film, truth = right_hand
    hidden = 0.5 * (film / film.max()) ** darkness
    hidden[:40], hidden[-40:], hidden[:, :40], hidden[:, -40:] = 1, 1, 1, 1
    found = locate_joints(hidden, pixel_spacing_mm=SPACING_MM, backend=backend)
    assert tuple(joint.joint for joint in found) == JOINTS
    assert max(errors_mm(found, {name: (t.x_px, t.y_px) for name, t in truth.items()})) < 2.5


def test_without_spacing_the_roi_grows_with_the_hand(right_hand: Film, backend: InProcessBackend) -> None:
    found = locate_joints(right_hand[0], backend=backend)
    assert 22.4 / SPACING_MM * 0.75 < found[0].size_px < 22.4 / SPACING_MM * 1.3


@pytest.mark.parametrize("kind", ["black", "noise", "gradient"])
def test_a_film_without_a_hand_has_no_joints(backend: InProcessBackend, kind: str) -> None:
    film = {
        "black": np.zeros((600, 400), np.float32),
        "noise": np.random.default_rng(0).normal(size=(500, 700)).astype(np.float32),
        "gradient": np.linspace(0, 1, 512, dtype=np.float32)[None].repeat(512, 0),
    }[kind]
    found = locate_hand(film, backend=backend)
    assert found.joints == []
    assert found.laterality is None


@pytest.mark.skipif(not DICOM.is_dir(), reason="the real films of ../shared/data are not on this machine")
@pytest.mark.parametrize(
    "name", ["gdcm-CR-MONO1-10-chest.dcm", "WG04_RG3_RLE.dcm", "CR-ModalitySequenceLUT.dcm"]
)
def test_a_film_of_another_body_part_has_no_joints(backend: InProcessBackend, name: str) -> None:
    pixels = pydicom.dcmread(DICOM / name).pixel_array.astype(np.float32)
    assert locate_joints(pixels, backend=backend) == []
    assert locate_joints(pixels.max() - pixels, backend=backend) == []


def test_an_array_that_is_no_film_is_refused_in_words(backend: InProcessBackend) -> None:
    with pytest.raises(ValueError, match="H, W"):
        locate_hand(np.zeros((3, 64, 64), np.float32), backend=backend)
    with pytest.raises(ValueError, match="finite"):
        locate_hand(np.full((64, 64), np.nan, np.float32), backend=backend)
    with pytest.raises(ValueError, match="positive"):
        locate_hand(np.zeros((64, 64), np.float32), pixel_spacing_mm=0.0, backend=backend)


def test_where_a_fingers_end_is_only_guessed_the_joint_follows_its_proximal_bone() -> None:
    assert joint_axis("PIP5", guessed=set()) == ("PIP5", "DIP5")
    assert joint_axis("PIP5", guessed={"DIP5"}) == ("MCP5", "PIP5")
    assert joint_axis("PIP5", guessed={"DIP5", "MCP5"}) == ("PIP5", "DIP5")
    assert joint_axis("MCP5", guessed={"PIP5"}) == ("MCP5", "PIP5")
