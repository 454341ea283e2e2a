"""What a projection promises: known motion, known places, mirrored sides, the same film for the same seed."""

import io
from dataclasses import replace

import numpy as np
import pytest

from model_store.phantom import (
    JOINTS,
    Pose,
    Projection,
    Subject,
    bone_masks,
    joint_layers,
    joint_motion,
    make_pose,
    make_subject,
    project,
)


def test_a_space_narrowed_by_d_mm_reads_plus_d(subject: Subject, film_at_baseline: Projection) -> None:
    narrowed = {"MCP2": 0.3, "MCP5": -0.2, "PIP3": 0.15, "IP1": 0.25}
    moving = project(subject, Pose(), jsn_mm=narrowed, supersample=1)
    for joint in JOINTS:
        read = joint_motion(film_at_baseline, moving, joint).jsn_mm
        assert read == pytest.approx(narrowed.get(joint, 0.0), abs=0.01), joint


def test_turning_and_shifting_the_hand_changes_no_space(
    subject: Subject, film_at_baseline: Projection
) -> None:
    turned = project(subject, Pose(rotation_deg=25.0, shift_mm=(4.0, -3.0)), supersample=1)
    for joint in JOINTS:
        motion = joint_motion(film_at_baseline, turned, joint)
        assert abs(motion.jsn_mm) < 0.02  # parallax: the bones of a joint lie at different heights
        assert abs(motion.upper.rotation_deg) < 0.1 and abs(motion.lower.rotation_deg) < 0.1
        before, after = film_at_baseline.joints[joint], turned.joints[joint]
        assert after.angle_deg - before.angle_deg == pytest.approx(25.0, abs=0.2)


def test_a_finger_turned_outwards_turns_its_bone_only(subject: Subject, film_at_baseline: Projection) -> None:
    bent = project(subject, Pose(angles_deg={"2proxph:abduction": 3.0}), supersample=1)
    motion = joint_motion(film_at_baseline, bent, "MCP2")
    # Each film is looked at upright along the finger, so the metacarpal seems to turn; right hand, thumb on the left.
    assert motion.upper.rotation_deg == pytest.approx(0.0, abs=0.2)
    assert motion.lower.rotation_deg == pytest.approx(3.0, abs=0.3)


def test_a_left_hand_is_the_mirror_image_of_the_right(
    film_at_baseline: Projection,
) -> None:
    left = project(make_subject(3, "L"), Pose(), supersample=1)
    assert left.shape == film_at_baseline.shape
    np.testing.assert_allclose(left.bone_mm()[:, ::-1], film_at_baseline.bone_mm(), atol=1e-3)
    for joint in JOINTS:
        mirrored, right = left.joints[joint], film_at_baseline.joints[joint]
        assert mirrored.x_px == pytest.approx(left.shape[1] - 1 - right.x_px, abs=1e-6)
        assert mirrored.angle_deg == pytest.approx(-right.angle_deg, abs=1e-6)


def test_the_thumb_of_a_right_hand_lies_on_the_left_and_fingers_point_up(
    film_at_baseline: Projection,
) -> None:
    joints = film_at_baseline.joints
    assert joints["MCP1"].x_px < joints["MCP2"].x_px < joints["MCP5"].x_px
    assert joints["DIP3"].y_px < joints["PIP3"].y_px < joints["MCP3"].y_px
    assert abs(joints["MCP3"].angle_deg) < 15


def test_the_same_seed_gives_the_same_projection() -> None:
    one = project(make_subject(5), make_pose(2), supersample=1)
    same = project(make_subject(5), make_pose(2), supersample=1)
    other = project(make_subject(6), make_pose(2), supersample=1)
    np.testing.assert_array_equal(one.bone_mm(), same.bone_mm())
    assert one.shape != other.shape or not np.array_equal(one.bone_mm(), other.bone_mm())


def test_joint_centres_lie_between_their_bones(film_at_baseline: Projection) -> None:
    for joint in JOINTS:
        upper, lower = bone_masks(film_at_baseline, joint, size_px=127)
        assert upper[:55].any() and lower[72:].any()
        rows = np.arange(127)[:, None]
        assert (rows * upper).sum() / upper.sum() < 63 < (rows * lower).sum() / lower.sum()
        assert upper[63, 63] + lower[63, 63] < 2


def test_masks_lie_where_the_layers_are(film_at_baseline: Projection) -> None:
    upper, lower = bone_masks(film_at_baseline, "PIP2")
    for mask, name in ((upper, "2midph"), (lower, "2proxph")):
        layer = film_at_baseline.layers[name]
        height, width = layer.path_mm.shape
        window = mask[layer.row : layer.row + height, layer.column : layer.column + width]
        assert mask.sum() == window.sum() == (layer.path_mm > 0.15).sum()


def test_joint_layers_add_up_to_the_film(subject: Subject) -> None:
    film = project(subject, Pose(), supersample=2)
    truth = film.joints["MCP3"]
    upper, lower, others, soft = joint_layers(film, "MCP3", 120, oversample=1)
    column, row = round(truth.x_px), round(truth.y_px)
    whole = film.bone_mm()[row - 20 : row + 20, column - 20 : column + 20].sum()
    turned = (upper + lower + others)[40:80, 40:80].sum()
    assert turned == pytest.approx(whole, rel=0.05)
    assert soft[60, 60] > 10


def test_a_projection_survives_its_file(film_at_baseline: Projection) -> None:
    buffer = io.BytesIO()
    film_at_baseline.save(buffer)
    buffer.seek(0)
    again = Projection.load(buffer)
    np.testing.assert_allclose(again.bone_mm(), film_at_baseline.bone_mm(), atol=2e-3)
    assert joint_motion(film_at_baseline, again, "MCP2").jsn_mm == pytest.approx(0.0, abs=1e-9)
    assert replace(again, layers={}, soft_mm=again.soft_mm, joints={}).shape == film_at_baseline.shape


def test_an_unknown_joint_or_hand_is_refused(subject: Subject, film_at_baseline: Projection) -> None:
    with pytest.raises(ValueError, match="MCP9"):
        project(subject, Pose(), jsn_mm={"MCP9": 0.1})
    with pytest.raises(ValueError, match="different hands"):
        joint_motion(film_at_baseline, replace(film_at_baseline, subject_seed=99), "MCP2")
