"""The hand's kinematic chain: which bone hangs on which, about which axes it turns, and forward kinematics.

Built from the MyoArm chain of `myo-sim`; `mujoco` moves it. Frame: see `meshes` (mm, right hand).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from xml.etree import ElementTree

import mujoco
import numpy as np
from numpy.typing import NDArray

from .meshes import bone_mesh

Floats = NDArray[np.float64]

CARPALS = (
    "scaphoid",
    "lunate",
    "triquetrum",
    "pisiform",
    "trapezium",
    "trapezoid",
    "capitate",
    "hamate",
)
RAYS: Mapping[int, tuple[str, ...]] = {
    1: ("1mc", "thumbprox", "thumbdist"),
    **{ray: (f"{ray}mc", f"{ray}proxph", f"{ray}midph", f"{ray}distph") for ray in (2, 3, 4, 5)},
}
JOINT_BONES: Mapping[str, tuple[str, str]] = {  # joint: (upper = distal bone, lower = proximal bone)
    **{f"MCP{ray}": (RAYS[ray][1], RAYS[ray][0]) for ray in RAYS},
    "IP1": (RAYS[1][2], RAYS[1][1]),
    **{f"PIP{ray}": (RAYS[ray][2], RAYS[ray][1]) for ray in (2, 3, 4, 5)},
    **{f"DIP{ray}": (RAYS[ray][3], RAYS[ray][2]) for ray in (2, 3, 4, 5)},
}
JOINTS = tuple(JOINT_BONES)


@dataclass(frozen=True)
class Link:
    """One bone in the chain: joint centre in the parent's frame (mm), long axis and flexion axis in its own."""

    name: str
    parent: str | None
    position: Floats
    axis: Floats
    flexion_axis: Floats

    @property
    def abduction_axis(self) -> Floats:
        """Turning about it moves the bone's far end radially."""
        return np.cross(self.axis, self.flexion_axis)


def _vector(text: str) -> Floats:
    return np.array([float(number) for number in text.split()])


def _unit(vector: Floats) -> Floats:
    return vector / np.linalg.norm(vector)


@cache
def links() -> Mapping[str, Link]:
    """Every bone of hand and forearm by name, parents before children."""
    chain = files("myo_sim") / "models" / "arm" / "assets" / "myoarm_r_chain.xml"
    bodies = ElementTree.fromstring(chain.read_text()).iter("body")
    ulna = next(body for body in bodies if body.get("name") == "ulna_r")
    found: dict[str, Link] = {}

    def visit(body: ElementTree.Element, parent: str | None) -> None:
        name = next(g.get("mesh", "") for g in body.findall("geom") if g.get("mesh")).removesuffix("_r")
        position = np.zeros(3) if parent is None else 1000.0 * _vector(body.get("pos", "0 0 0"))
        axis = _long_axis(name, body)
        hinge = next((j for j in body.findall("joint") if "flexion" in j.get("name", "")), None)
        if hinge is None:  # a metacarpal lies as the knuckle on its head does
            hinge = next((j for j in body.iter("joint") if "flexion" in j.get("name", "")), None)
        flexion = np.array([1.0, 0.0, 0.0]) if hinge is None else _vector(hinge.get("axis", "1 0 0"))
        found[name] = Link(name, parent, position, axis, _unit(flexion - (flexion @ axis) * axis))
        for child in body.findall("body"):
            visit(child, name)

    visit(ulna, None)
    return found


def _long_axis(name: str, body: ElementTree.Element) -> Floats:
    """Unit vector from a bone's proximal to its distal end, in its own frame."""
    child = body.find("body")
    if name not in {bone for ray in RAYS.values() for bone in ray}:
        return np.array([0.0, -1.0, 0.0])
    vertices = bone_mesh(name).vertices
    if name.endswith("mc") and child is not None:
        head = 1000.0 * _vector(child.get("pos", "0 0 0"))
        return _unit(head - metacarpal_base(name))
    if child is not None:
        return _unit(1000.0 * _vector(child.get("pos", "0 0 0")))
    reach = np.linalg.norm(vertices, axis=1)
    return _unit(vertices[reach > np.quantile(reach, 0.97)].mean(axis=0))


@cache
def metacarpal_base(name: str) -> Floats:
    """Middle of the proximal end of a metacarpal in its own frame, mm: the point it may be turned about at rest."""
    if name == "1mc":
        return np.zeros(3)
    vertices = bone_mesh(name).vertices
    return vertices[vertices[:, 1] > np.quantile(vertices[:, 1], 0.97)].mean(axis=0)


@cache
def _model() -> mujoco.MjModel:
    root = ElementTree.Element("mujoco")
    ElementTree.SubElement(root, "compiler", angle="radian")
    bodies = {None: ElementTree.SubElement(root, "worldbody")}
    for link in links().values():
        body = ElementTree.SubElement(bodies[link.parent], "body", name=link.name)  # type: ignore[index]
        ElementTree.SubElement(body, "inertial", pos="0 0 0", mass="1", diaginertia="1 1 1")
        axes = {
            "flexion": link.flexion_axis,
            "abduction": link.abduction_axis,
            "roll": link.axis,
        }
        for kind, axis in axes.items():
            text = " ".join(map(repr, axis.tolist()))
            ElementTree.SubElement(body, "joint", name=f"{link.name}:{kind}", type="hinge", axis=text)
        bodies[link.name] = body  # type: ignore[index]
    return mujoco.MjModel.from_xml_string(ElementTree.tostring(root, encoding="unicode"))


@dataclass(frozen=True)
class Placement:
    """Where a bone is: point_in_world = rotation @ point_in_bone + position (mm)."""

    rotation: Floats
    position: Floats

    def __call__(self, points: Floats) -> Floats:
        return points @ self.rotation.T + self.position


def place(
    positions: Mapping[str, Floats],
    rotations: Mapping[str, Floats],
    angles_rad: Mapping[str, float],
) -> dict[str, Placement]:
    """Forward kinematics.

    positions: joint centre of each bone in its parent's frame, mm. rotations: rest orientation of each bone in its
    parent's frame, (3, 3). angles_rad: "bone:flexion", "bone:abduction" or "bone:roll", from rest.
    """
    model = _model()
    data = mujoco.MjData(model)
    for name, position in positions.items():
        body = model.body(name)
        body.pos[:] = position
        mujoco.mju_mat2Quat(body.quat, np.ascontiguousarray(rotations[name]).ravel())
    for name, angle in angles_rad.items():
        data.joint(name).qpos[0] = angle
    mujoco.mj_kinematics(model, data)
    return {
        name: Placement(data.body(name).xmat.reshape(3, 3).copy(), data.body(name).xpos.copy())
        for name in positions
    }
