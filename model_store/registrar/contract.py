"""What callers of the registrar need to know of it, without its network."""

from __future__ import annotations

#: Columns of the ``metrics`` output.
METRICS = (
    "residual_upper",  # weighted residual variance over signal variance at the finest level
    "residual_lower",
    "start_disagreement_mm",  # JSN of the best start against that of the next best that fits about as well
    "support_upper_mm2",  # area that was compared
    "support_lower_mm2",
    "support_fraction",  # the smaller of both bones' compared area over the area of its mask
    "last_step_mm",  # size of the last update: not converged where large
    "mask_overlap",  # area covered by both bones over that of the smaller bone
    "gain_upper",
    "gain_lower",
    "film_difference",  # variance that the films' tone curves and sharpness explain over signal variance
)
