"""The Cramer-Rao bound of JSN: what no unbiased reading of two noisy films of one joint can beat.

The film's mean and its derivatives come from the phantom itself: the layer of one bone is moved by a little to either
side and exposed without noise, so that blur, scatter, overlap and the reader unit's processing all count. The noise is
measured on repeated exposures: its local variance (heteroscedastic: dense bone is noisier in density), and, of what is
left when that is divided out, its power spectrum, since detector blur and sharpening correlate it. With derivatives d_i
divided by the local standard deviation, I_ij = sum over frequencies of conj(D_i) D_j / NPS (Kay, Estimation Theory,
1993, ch. 3 and 15.6; Cunningham & Shaw, JOSA A 16(3), 1999, for the spectrum). The tone curve is invertible and so
takes no information away. Two films with independent noise double the covariance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from model_store.phantom import Exposure, Furniture, JointTruth, Projection, expose

Floats = npt.NDArray[np.float64]

ROI_MM = 22.4
SOFT_BORDER_MM = 1.0  # a hard border would count as detail of the derivative's own
CROP_MM = 34.0
REPEATS = 24
STEP_MM = 0.04
ARM_MM = 10.0  # turns and scales are stepped by what moves a point this far from the centre by STEP_MM


def jsn_bound_mm(projection: Projection, joint: str, exposure: Exposure) -> tuple[float, float]:
    """Standard deviations (mm) of JSN read at the joint centre between two such films.

    Args:
        projection: of the joint's surroundings alone (``project_joint``): it is exposed many times.
        exposure: of both films; what lies beside the hand is left out.

    Returns:
        (rigid, similarity): with shift and turn of both bones unknown; with their scales and the pair's gain and
        offset unknown as well. All else about the films is taken as known, as only a bound can.
    """
    plain = replace(exposure, furniture=Furniture(marker="none"))
    clean = replace(plain, photons=1e10, readout_noise=0.0)
    mean = _film(projection, clean)
    noise = np.stack([_film(projection, plain, seed) for seed in range(1, REPEATS + 1)])
    noise -= noise.mean(axis=0)
    noise *= np.sqrt(REPEATS / (REPEATS - 1))
    # a film's tones hang on its own quantiles, which noise moves too: a gain, not noise of the picture
    deviation = np.sqrt(ndimage.gaussian_filter((noise**2).mean(axis=0), 4.0)) + 1e-6
    window = roi_window(projection, projection.joints[joint])
    spectrum = noise_spectrum(noise / deviation, window)
    fields = [_derivative(projection, joint, bone, kind, clean) for bone in (0, 1) for kind in range(4)]
    fields += [mean - mean.mean(), np.ones_like(mean)]
    information = fisher([window * field / deviation for field in fields], spectrum)
    row = np.zeros(len(fields))
    row[1], row[5] = 1.0, -1.0
    rigid = np.array([0, 1, 2, 4, 5, 6])
    return (
        _deviation(information[np.ix_(rigid, rigid)], row[rigid]),
        _deviation(information, row),
    )


def fisher(fields: list[Floats], spectrum: Floats) -> Floats:
    """Information matrix (P, P) of one film from whitened derivative fields P x (H, W) and the noise's spectrum."""
    transforms = np.stack([np.fft.fft2(field) / np.sqrt(spectrum) for field in fields])
    flat = transforms.reshape(len(fields), -1)
    return np.asarray((flat.conj() @ flat.T).real / flat.shape[1])


def noise_spectrum(noise: Floats, window: Floats) -> Floats:
    """Power spectrum (H, W), 1 for white noise of unit variance, of repeats (K, H, W) seen through a window."""
    power = (np.abs(np.fft.fft2(noise * window)) ** 2).mean(axis=0) / (window**2).sum()
    smooth = ndimage.gaussian_filter(power, 3.0, mode="wrap")
    return np.asarray(np.maximum(smooth, 1e-4))


def roi_window(projection: Projection, truth: JointTruth) -> Floats:
    """(H, W): 1 in the joint's upright ROI, fading out at its border."""
    rows, columns = np.mgrid[: projection.shape[0], : projection.shape[1]]
    place = np.abs(truth.to_roi(np.stack([columns, rows], axis=-1))) * projection.pixel_spacing_mm
    inside = np.clip((ROI_MM / 2 - place.max(axis=-1)) / SOFT_BORDER_MM, 0.0, 1.0)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * inside))


def _film(projection: Projection, exposure: Exposure, seed: int = 0) -> Floats:
    return expose(projection, exposure, seed).pixels.astype(np.float64)


def _derivative(projection: Projection, joint: str, bone: int, kind: int, exposure: Exposure) -> Floats:
    """Change of the film (H, W) per mm (dx, dy in the upright ROI), radian or unit of scale of one bone."""
    ahead, behind = (
        _film(_with_bone_moved(projection, joint, bone, kind, sign * STEP_MM), exposure) for sign in (1, -1)
    )
    step = STEP_MM if kind < 2 else STEP_MM / ARM_MM
    return (ahead - behind) / (2 * step)


def _with_bone_moved(projection: Projection, joint: str, bone: int, kind: int, step_mm: float) -> Projection:
    truth, n = projection.joints[joint], projection.supersample
    name = (truth.upper_bone, truth.lower_bone)[bone]
    layer = projection.layers[name]
    angle = np.deg2rad(truth.angle_deg)
    shift, linear = np.zeros(2), np.eye(2)  # (x, y) on the film
    if kind < 2:
        axis = [(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))][kind]
        shift = step_mm / projection.pixel_spacing_mm * n * np.array(axis)
    elif kind == 2:
        c, s = np.cos(step_mm / ARM_MM), np.sin(step_mm / ARM_MM)
        linear = np.array([[c, -s], [s, c]])
    else:
        linear = np.eye(2) * (1.0 + step_mm / ARM_MM)
    centre = (np.array([truth.x_px, truth.y_px]) + 0.5) * n - 0.5 - np.array([layer.column, layer.row])
    back = np.linalg.inv(linear)
    offset = centre - back @ (centre + shift)
    moved = ndimage.affine_transform(
        layer.path_mm, back[::-1, ::-1], offset=offset[::-1], order=3, mode="constant", output=np.float32
    )
    return replace(projection, layers={**projection.layers, name: replace(layer, path_mm=moved)})


def _deviation(information: Floats, row: Floats) -> float:
    scale = 1.0 / np.sqrt(np.diag(information))
    covariance = scale[:, None] * np.linalg.inv(information * scale[:, None] * scale) * scale
    return float(np.sqrt(2.0 * row @ covariance @ row))
