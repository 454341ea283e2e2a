"""The truth about a pair of films: one point of each bone, read at the joint, in the film's plane."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from model_store.phantom import (
    JOINTS,
    InPlane,
    Pose,
    Projection,
    Subject,
    joint_layers,
    joint_motion,
    make_pose,
    make_subject,
    project,
    project_joint,
)

POSE = make_pose(1, spread=0.5)


@pytest.fixture(scope="module")
def baseline(subject: Subject) -> Projection:
    return project(subject, POSE, supersample=1)


def test_a_space_narrowed_in_the_plane_reads_exactly_what_was_put_in(
    subject: Subject, baseline: Projection
) -> None:
    narrowed = {joint: 0.05 * number - 0.2 for number, joint in enumerate(JOINTS)}
    moving = project(
        subject, POSE, in_plane=InPlane(narrowed, rotation_deg=7.0, shift_mm=(5.0, -3.0)), supersample=1
    )
    for joint in JOINTS:
        assert joint_motion(baseline, moving, joint).jsn_mm == pytest.approx(narrowed[joint], abs=5e-4), joint


def test_no_bone_shows_another_face_after_motion_in_the_plane(subject: Subject, baseline: Projection) -> None:
    turns = {joint: 3.0 * (-1) ** number for number, joint in enumerate(JOINTS)}
    moved = InPlane({"MCP3": 0.4}, {"PIP2": 0.5}, turns, rotation_deg=-9.0)
    moving = project(subject, POSE, in_plane=moved, supersample=1)
    for joint in JOINTS:
        motion = joint_motion(baseline, moving, joint)
        assert motion.upper.tilt_deg < 0.15 and motion.lower.tilt_deg < 0.15
        assert motion.upper.scale == pytest.approx(1.0, abs=5e-4)
        # Each film is looked at upright along the distal bone, so the proximal one seems to turn.
        assert motion.upper.rotation_deg - motion.lower.rotation_deg == pytest.approx(turns[joint], abs=0.01)


@pytest.mark.parametrize("joint", ["MCP2", "PIP4", "IP1"])
def test_bones_moved_in_the_plane_look_the_same_where_truth_says_they_went(
    subject: Subject, joint: str
) -> None:
    moved = InPlane({joint: 0.45}, {joint: 0.3}, {joint: 2.0}, rotation_deg=5.0)
    fixed, moving = (project_joint(subject, POSE, joint, in_plane=step) for step in (None, moved))
    motion = joint_motion(fixed, moving, joint)
    side, spacing = 100, fixed.pixel_spacing_mm
    y, x = (np.mgrid[:side, :side] - 0.5 * (side - 1)) * spacing
    for bone, was, now in zip(
        (motion.upper, motion.lower),
        joint_layers(fixed, joint, side, 1)[:2],
        joint_layers(moving, joint, side, 1)[:2],
        strict=True,
    ):
        turn = np.deg2rad(bone.rotation_deg)
        u = np.cos(turn) * x - np.sin(turn) * y + bone.dx_mm
        v = np.sin(turn) * x + np.cos(turn) * y + bone.dy_mm
        smooth, later = gaussian_filter(was, 1.0), gaussian_filter(now, 1.0)
        carried = map_coordinates(later, np.stack([v, u]) / spacing + 0.5 * (side - 1), order=3)
        error = (carried - smooth)[12:-12, 12:-12]
        slope = np.gradient(smooth, spacing, axis=0)[12:-12, 12:-12]
        assert abs((error * slope).sum() / (slope**2).sum()) < 0.003  # mm by which dy would be mended


@pytest.mark.parametrize(
    "change",
    [{"lift_mm": 16.0}, {"tilt_deg": (7.0, -5.0)}, {"shift_mm": (9.0, -6.0)}, {"rotation_deg": 30.0}],
    ids=lambda change: next(iter(change)),
)
def test_a_hand_that_moves_as_one_piece_changes_no_space(
    subject: Subject, baseline: Projection, change: dict[str, object]
) -> None:
    moving = project(subject, replace(POSE, **change), supersample=1)
    for joint in JOINTS:
        assert joint_motion(baseline, moving, joint).jsn_mm == pytest.approx(0.0, abs=1e-9)


def test_a_hand_lifted_off_the_detector_is_larger(subject: Subject, baseline: Projection) -> None:
    lifted = project(subject, replace(POSE, lift_mm=POSE.lift_mm + 10.0), supersample=1)
    assert joint_motion(baseline, lifted, "MCP2").upper.scale == pytest.approx(1.0 + 10.0 / 1030.0, abs=4e-4)


def test_a_hand_tilted_out_of_the_plane_says_by_how_much(subject: Subject, baseline: Projection) -> None:
    tilted = project(
        subject, replace(POSE, tilt_deg=(POSE.tilt_deg[0] + 6.0, POSE.tilt_deg[1])), supersample=1
    )
    for joint in JOINTS:
        assert joint_motion(baseline, tilted, joint).upper.tilt_deg == pytest.approx(6.0, abs=0.5)


def test_the_way_there_and_back_cancels(subject: Subject, baseline: Projection) -> None:
    later = project(subject, make_pose(2, spread=0.5), jsn_mm={"MCP2": 0.3}, supersample=1)
    for joint in JOINTS:
        there, back = joint_motion(baseline, later, joint), joint_motion(later, baseline, joint)
        assert there.jsn_mm + back.jsn_mm == pytest.approx(0.0, abs=0.02)
        assert there.upper.tilt_deg == pytest.approx(back.upper.tilt_deg, abs=0.1)


def test_the_film_about_one_joint_is_a_part_of_the_whole_film(subject: Subject) -> None:
    whole = project(subject, POSE, supersample=1)
    part = project_joint(subject, POSE, "PIP3", supersample=1)
    seen, alone = whole.joints["PIP3"], part.joints["PIP3"]
    left, top = round(seen.x_px - alone.x_px), round(seen.y_px - alone.y_px)
    rows, columns = slice(top, top + part.shape[0]), slice(left, left + part.shape[1])
    np.testing.assert_allclose(part.bone_mm(), whole.bone_mm()[rows, columns], atol=1e-5)
    np.testing.assert_allclose(part.soft_mm, whole.soft_mm[rows, columns], atol=1e-2)
    assert set(part.joints) == {"PIP3"}


def test_a_joint_located_elsewhere_is_read_there(subject: Subject, baseline: Projection) -> None:
    """About another centre a turn shows as a shift: what a registration of those ROIs would read."""
    moving = project(subject, POSE, in_plane=InPlane(turn_deg={"MCP2": 4.0}), supersample=1)
    off = np.array([2.0, 0.0])
    fixed, later = (
        replace(film, joints={"MCP2": film.joints["MCP2"].located(off, 0.0)}) for film in (baseline, moving)
    )
    at_joint, beside = joint_motion(baseline, moving, "MCP2"), joint_motion(fixed, later, "MCP2")
    assert beside.jsn_mm - at_joint.jsn_mm == pytest.approx(2.0 * np.sin(np.deg2rad(4.0)), abs=0.01)


def test_motion_of_an_unknown_joint_is_refused(subject: Subject) -> None:
    with pytest.raises(ValueError, match="MCP9"):
        InPlane(turn_deg={"MCP9": 1.0})
    with pytest.raises(ValueError, match="MCP9"):
        project_joint(subject, Pose(), "MCP9")


def test_people_differ_in_bone_and_keep_their_joint_spaces_open() -> None:
    lengths = []
    for seed in range(20, 26):
        person = make_subject(seed, scale=1.0)
        bone = person.bones["3proxph"]
        across = bone.outer.vertices @ bone.basis[0]
        lengths.append((bone.distal_mm - bone.proximal_mm) / np.ptp(across))
        assert all(anatomy.clearance_mm > 0.2 for anatomy in person.joints.values())
    assert np.ptp(lengths) > 0.1
