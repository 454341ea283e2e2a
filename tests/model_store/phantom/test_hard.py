"""Arthritis and hard cases: what changes, what stays, and that the truth is known all the same."""

from __future__ import annotations

import numpy as np
import pytest

from model_store.phantom import (
    Pose,
    Subject,
    bone_masks,
    draw_erosion,
    draw_osteophyte,
    joint_motion,
    make_subject,
    project,
    project_joint,
    with_lesions,
    with_subluxation,
    with_ulnar_drift,
)
from model_store.phantom.hard import KINDS, TEN_JOINTS, make_hard_case


def area(subject: Subject, joint: str) -> float:
    """Of both bones on the ROI, px."""
    film = project_joint(subject, Pose(), joint, supersample=1)
    return float(sum(mask.sum() for mask in bone_masks(film, joint, size_px=128)))


def test_an_erosion_takes_bone_away_and_more_of_it_when_it_grows(subject: Subject) -> None:
    rng = np.random.default_rng(0)
    lesions = [draw_erosion(rng, subject, "MCP2") for _ in range(4)]
    bone = [
        project_joint(
            with_lesions(subject, [lesion.grown(size) for lesion in lesions]), Pose(), "MCP2", supersample=1
        ).bone_mm().sum()
        for size in (0.0, 0.5, 1.0)
    ]  # fmt: skip
    assert bone[0] > bone[1] > bone[2]
    whole = project_joint(subject, Pose(), "MCP2", supersample=1).bone_mm().sum()
    assert bone[0] == pytest.approx(whole, rel=1e-3)


def test_an_osteophyte_widens_the_silhouette(subject: Subject) -> None:
    rng = np.random.default_rng(1)
    spurs = [draw_osteophyte(rng, subject, "PIP3") for _ in range(3)]
    assert area(with_lesions(subject, spurs), "PIP3") > area(subject, "PIP3") + 5


def test_a_lesion_that_grows_moves_no_bone(subject: Subject) -> None:
    eroded = with_lesions(subject, [draw_erosion(np.random.default_rng(2), subject, "MCP2")])
    fixed = project(subject, Pose(), supersample=1)
    moving = project(eroded, Pose(), jsn_mm={"MCP2": 0.3}, supersample=1)
    healthy = project(subject, Pose(), jsn_mm={"MCP2": 0.3}, supersample=1)
    assert joint_motion(fixed, moving, "MCP2") == joint_motion(fixed, healthy, "MCP2")


def test_a_subluxed_bone_has_slipped_sideways(subject: Subject) -> None:
    fixed = project_joint(subject, Pose(), "MCP3", supersample=1)
    moving = project_joint(with_subluxation(subject, "MCP3", 2.0, 0.0), Pose(), "MCP3", supersample=1)
    motion = joint_motion(fixed, moving, "MCP3")
    assert abs(motion.upper.dx_mm - motion.lower.dx_mm) == pytest.approx(2.0, abs=0.15)


def test_ulnar_drift_turns_the_fingers_away_from_the_thumb(subject: Subject) -> None:
    straight = project(subject, Pose(), supersample=1)
    drifted = project(subject, with_ulnar_drift(Pose(), 15.0), supersample=1)
    for ray in (2, 3, 4, 5):  # a right hand, thumb on the left
        turned = drifted.joints[f"MCP{ray}"].angle_deg - straight.joints[f"MCP{ray}"].angle_deg
        assert turned == pytest.approx(15.0, abs=5.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hard_case_has_two_films_on_which_both_bones_lie(kind: str) -> None:
    case = make_hard_case(kind, 3)
    assert case.joint == TEN_JOINTS[3]
    for film, layers in zip(case.films, case.projections, strict=True):
        assert film.pixels.shape == layers.shape
        assert np.ptp(film.pixels) > 300
        found = layers.joints[case.joint]
        side = round(22.4 / film.pixel_spacing_mm)
        for mask in bone_masks(layers, case.joint, size_px=side):
            assert mask.sum() * film.pixel_spacing_mm**2 > 15  # mm2
        assert 0 <= found.x_px < layers.shape[1] and 0 <= found.y_px < layers.shape[0]
    assert abs(case.motion.jsn_mm) < 1.5


def test_the_same_seed_gives_the_same_hard_case() -> None:
    one, same, other = (make_hard_case("erosion", seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.films[1].pixels, same.films[1].pixels)
    assert one.motion == same.motion != other.motion


def test_bones_of_a_severely_narrowed_joint_touch_or_overlap() -> None:
    closest = []
    for seed in range(4):
        case = make_hard_case("narrowing", seed)
        upper, lower = bone_masks(case.projections[1], case.joint, size_px=128)
        grown = np.pad(upper, 3)[6:, 3:-3]  # 3 px further down
        closest.append(bool((upper | grown)[lower].any() or (upper & lower).any()))
    assert np.mean(closest) > 0.4


def test_a_cropped_case_ends_close_to_the_joint_or_was_found_beside_it() -> None:
    distance = []
    for seed in range(6):
        for layers in make_hard_case("cropped", seed).projections:
            (found,) = layers.joints.values()
            height, width = layers.shape
            edge = min(found.x_px, found.y_px, width - 1 - found.x_px, height - 1 - found.y_px)
            distance.append(edge * layers.pixel_spacing_mm)
    assert min(distance) < 10.0 < max(distance)


def test_an_unknown_kind_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="erosion"):
        make_hard_case("fracture", 1)


def test_hands_of_a_seed_share_no_subject_with_training() -> None:
    assert make_hard_case("ordinary", 10).projections[0].subject_seed == 7_000_001
    assert make_subject(1).seed == 1
