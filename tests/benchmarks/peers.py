"""What others would register a joint with, each at sensible settings and with the true masks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from model_store.registrar.regions import GROW_MM

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def simpleitk_dy_mm(fixed: Image, moving: Image, mask: Mask, spacing_mm: float) -> float:
    """dy (mm, down) of one bone at the ROI's centre, by SimpleITK: correlation inside the grown mask, rigid,
    three scales, regular-step gradient descent, started from no motion."""
    images = [sitk.GetImageFromArray(image) for image in (fixed, moving)]
    grown = sitk.BinaryDilate(
        sitk.GetImageFromArray(mask.astype(np.uint8)), [round(GROW_MM / spacing_mm)] * 2
    )
    for image in (*images, grown):
        image.SetSpacing((spacing_mm, spacing_mm))
    centre = [(length - 1) / 2 * spacing_mm for length in fixed.shape[::-1]]
    start = sitk.Euler2DTransform()
    start.SetCenter(centre)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetMetricFixedMask(grown)
    method.SetInterpolator(sitk.sitkBSpline)
    method.SetOptimizerAsRegularStepGradientDescent(0.5, 1e-5, 200, gradientMagnitudeTolerance=1e-8)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([0.6, 0.3, 0.1])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(*images)
    return float(start.TransformPoint(centre)[1] - centre[1])
