"""Small made-up films: a DICOM file that the intake accepts, and a registered pair of one joint with known JSN."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid
from scipy.ndimage import gaussian_filter

from jsnsite.pages.hand import HEIGHT, RAYS, WIDTH

FloatArray = npt.NDArray[np.float32]
ROI_PX = 128
SPACING_MM = 0.175
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LocatedJoint:
    joint: str
    x_px: float
    y_px: float
    angle_deg: float
    size_px: float
    confidence: float


@dataclass(frozen=True)
class BoneMotion:
    dx_mm: float
    dy_mm: float
    rotation_deg: float
    scale: float


@dataclass(frozen=True)
class BoneMasks:
    upper: BoolArray
    lower: BoolArray


@dataclass(frozen=True)
class JointResult:
    """What ``measurements.recording.Result`` asks for, without the pipeline and its torch."""

    joint: str
    jsn_mm: float
    jsn_sigma_mm: float
    reliability: str
    reasons: tuple[str, ...]
    upper: BoneMotion
    lower: BoneMotion
    masks: BoneMasks
    loss_map: FloatArray
    loss_before: FloatArray
    fixed: FloatArray
    moving: FloatArray
    warped: FloatArray
    pixel_spacing_mm: float
    metrics: dict[str, float] = field(default_factory=dict)


def hand_pixels(laterality: str, seed: int, shape: tuple[int, int] = (524, 400)) -> npt.NDArray[np.uint16]:
    """A drawn hand, 12 bit: soft tissue and bones as thick lines, bright, with noise."""
    height, width = shape
    bone = np.zeros(shape, np.float32)
    for points in RAYS.values():
        for (x0, y0), (x1, y1) in pairwise(points):
            for along in np.linspace(0.08, 0.92, 60):
                x, y = (x0 + along * (x1 - x0)) * width / WIDTH, (y0 + along * (y1 - y0)) * height / HEIGHT
                x = x if laterality == "R" else width - 1 - x
                bone[int(y) % height, int(x) % width] = 1
    tissue = gaussian_filter(bone, 17) / gaussian_filter(bone, 17).max()
    bone = np.clip(gaussian_filter(bone, 5) / gaussian_filter(bone, 5).max() * 2, 0, 1)
    noise = np.random.default_rng(seed).normal(0, 25, shape)
    return np.clip(150 + 900 * np.sqrt(tissue) + 2200 * bone + noise, 0, 4095).astype(np.uint16)


def dicom_bytes(
    laterality: str | None = "R", *, seed: int = 0, spacing_mm: float | None = SPACING_MM, **tags: str
) -> bytes:
    """A CR hand radiograph with a patient's name in it, as a site would send it."""
    pixels = hand_pixels(laterality or "R", seed)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "4711"
    dataset.Modality, dataset.BodyPartExamined, dataset.Manufacturer = "CR", "HAND", "Acme Imaging"
    if laterality:
        dataset.ImageLaterality = laterality
    if spacing_mm:
        dataset.PixelSpacing = [spacing_mm, spacing_mm]
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = pixels.tobytes()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _joint(gap_px: float, texture: FloatArray) -> tuple[FloatArray, BoolArray, BoolArray]:
    """A finger joint in an ROI: a flat distal base above, a round proximal head below, ``gap_px`` apart."""
    y, x = np.mgrid[:ROI_PX, :ROI_PX].astype(np.float32)
    middle = (ROI_PX - 1) / 2
    across = (x - middle) / 30
    upper = (y < middle - gap_px / 2 + 3 * across**2) & (np.abs(x - middle) < 26 + 0.12 * (middle - y))
    lower = (y > middle + gap_px / 2 + 7 * across**2) & (np.abs(x - middle) < 30 - 0.08 * (y - middle))
    bone = gaussian_filter((upper | lower).astype(np.float32), 1.1)
    edge = np.abs(np.gradient(bone)[0]) + np.abs(np.gradient(bone)[1])
    tissue = np.exp(-(((x - middle) / 48) ** 4))
    return (0.25 * tissue + bone * (0.45 + 0.18 * texture) + 0.55 * edge).astype(np.float32), upper, lower


def joint_result(
    joint: str,
    jsn_mm: float,
    *,
    reliability: str = "reliable",
    reasons: tuple[str, ...] = (),
    sigma_mm: float = 0.04,
    seed: int = 0,
) -> JointResult:
    """A measurement with pictures that fit it: the space in the follow-up is narrower by ``jsn_mm``."""
    random = np.random.default_rng(seed)
    texture = gaussian_filter(random.normal(0, 1, (ROI_PX, ROI_PX)), 1.4).astype(np.float32) * 3
    fixed, upper, lower = _joint(9.0, texture)
    moving, _, _ = _joint(9.0 - jsn_mm / SPACING_MM, texture)
    warped = fixed + random.normal(0, 0.015 if reliability == "reliable" else 0.05, fixed.shape).astype(
        np.float32
    )
    inside = upper | lower
    variance = fixed[inside].var()
    return JointResult(
        joint=joint,
        jsn_mm=jsn_mm,
        jsn_sigma_mm=sigma_mm,
        reliability=reliability,
        reasons=reasons,
        upper=BoneMotion(0.11, jsn_mm * 0.7, 0.8, 1.0),
        lower=BoneMotion(0.09, -jsn_mm * 0.3, -0.4, 1.0),
        masks=BoneMasks(upper, lower),
        loss_map=np.where(inside, (warped - fixed) ** 2 / variance, np.nan).astype(np.float32),
        loss_before=np.where(inside, (moving - fixed) ** 2 / variance, np.nan).astype(np.float32),
        fixed=fixed,
        moving=(moving * 1.3 + 0.1).astype(np.float32),
        warped=warped,
        pixel_spacing_mm=SPACING_MM,
        metrics={"loss": float(((warped - fixed)[inside] ** 2).mean() / variance), "mask_dice": 0.97},
    )
