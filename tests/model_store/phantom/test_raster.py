"""Thickness along the beam is exact."""

import numpy as np
import trimesh

from model_store.phantom.meshes import bone_mesh
from model_store.phantom.raster import thickness
from model_store.phantom.skeleton import links


def test_a_box_is_as_thick_as_it_is_deep_and_nothing_outside() -> None:
    box = trimesh.creation.box((20.0, 10.0, 3.0))
    image = thickness(box.vertices[:, :2] + [24.5, 14.5], box.vertices[:, 2], box.faces, (30, 50))
    expected = np.zeros((30, 50))
    expected[10:20, 15:35] = 3.0
    np.testing.assert_allclose(image, expected, atol=1e-12)


def test_a_tilted_box_keeps_its_volume() -> None:
    box = trimesh.creation.box((200.0, 100.0, 60.0))
    box.apply_transform(trimesh.transformations.rotation_matrix(0.4, (1.0, 2.0, 0.5)))
    image = thickness(box.vertices[:, :2] + 200.0, box.vertices[:, 2], box.faces, (400, 400))
    assert abs(image.sum() / box.volume - 1.0) < 2e-4


def test_a_ball_shows_its_chords() -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=40.0)
    image = thickness(ball.vertices[:, :2] + 50.0, ball.vertices[:, 2], ball.faces, (101, 101))
    y, x = np.mgrid[:101, :101] - 50.0
    inside = np.hypot(x, y) < 38.0
    chord = 2.0 * np.sqrt(np.maximum(1600.0 - x**2 - y**2, 0.0))
    assert np.abs(image - chord)[inside].max() < 0.15


def test_winding_does_not_matter() -> None:
    ball = trimesh.creation.icosphere(subdivisions=2, radius=10.0)
    args = ball.vertices[:, :2] + 15.0, ball.vertices[:, 2]
    one, other = (
        thickness(*args, ball.faces, (30, 30)),
        thickness(*args, ball.faces[:, ::-1], (30, 30)),
    )
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_every_bone_is_closed() -> None:
    for name in links():
        mesh = bone_mesh(name)
        edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        _, count = np.unique(edges, axis=0, return_counts=True)
        assert (count == 2).all(), name
