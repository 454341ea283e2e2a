"""elastix (Klein et al., IEEE TMI 29(1), 2010) by its ITK package."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tests.benchmarks.peers.windows import Image, Mask


@functools.cache
def _settings() -> Any:
    import itk  # imported here: it takes seconds

    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(1)
    settings = itk.ParameterObject.New()
    rigid = settings.GetDefaultParameterMap("rigid", 3)
    for name, values in {
        "Metric": ["AdvancedNormalizedCorrelation"],
        "ImageSampler": ["Full"],
        "NewSamplesEveryIteration": ["false"],
        "MaximumNumberOfIterations": ["120"],
        "BSplineInterpolationOrder": ["3"],
        "Interpolator": ["BSplineInterpolator"],
        "AutomaticTransformInitialization": ["false"],
        "AutomaticParameterEstimation": ["true"],
        "ImagePyramidSchedule": ["4", "4", "2", "2", "1", "1"],
        "ErodeMask": ["false"],
        "UseFastAndLowMemoryVersion": ["true"],
        "WriteResultImage": ["false"],
    }.items():
        rigid[name] = values
    settings.AddParameterMap(rigid)
    return settings


def elastix_dy_mm(
    fixed: Image, moving: Image, fixed_region: Mask, moving_region: Mask, spacing_mm: float
) -> float:
    """Normalised correlation inside the region, rigid, cubic B-spline, three scales, adaptive gradient descent."""
    import itk

    views = []
    for array in (fixed, moving, fixed_region.astype(np.uint8), moving_region.astype(np.uint8)):
        view = itk.image_view_from_array(np.ascontiguousarray(array))
        view.SetSpacing([spacing_mm, spacing_mm])
        views.append(view)
    _, found = itk.elastix_registration_method(
        views[0],
        views[1],
        parameter_object=_settings(),
        fixed_mask=views[2],
        moving_mask=views[3],
        log_to_console=False,
    )
    result = found.GetParameterMap(0)
    angle, _, ty = (float(value) for value in result["TransformParameters"])
    x, y = (
        (length - 1) / 2 * spacing_mm - float(pivot)
        for length, pivot in zip(fixed.shape[::-1], result["CenterOfRotationPoint"], strict=True)
    )
    return float(np.sin(angle) * x + np.cos(angle) * y - y + ty)
