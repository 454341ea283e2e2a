"""SimpleITK's registration framework."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from tests.benchmarks.peers.windows import Image, Mask


def simpleitk_dy_mm(
    fixed: Image, moving: Image, fixed_region: Mask, moving_region: Mask, spacing_mm: float
) -> float:
    """Correlation inside the region, rigid, cubic B-spline, three scales, regular-step gradient descent."""
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    images = [sitk.GetImageFromArray(image) for image in (fixed, moving)]
    masks = [sitk.GetImageFromArray(region.astype(np.uint8)) for region in (fixed_region, moving_region)]
    for image in (*images, *masks):
        image.SetSpacing((spacing_mm, spacing_mm))
    centre = [(length - 1) / 2 * spacing_mm for length in fixed.shape[::-1]]
    start = sitk.Euler2DTransform()
    start.SetCenter(centre)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetMetricFixedMask(masks[0])
    method.SetMetricMovingMask(masks[1])
    method.SetInterpolator(sitk.sitkBSpline)
    method.SetOptimizerAsRegularStepGradientDescent(0.5, 1e-5, 200, gradientMagnitudeTolerance=1e-8)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([0.6, 0.3, 0.1])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(*images)
    return float(start.TransformPoint(centre)[1] - centre[1])
