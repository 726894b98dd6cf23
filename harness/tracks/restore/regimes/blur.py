from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....imaging.resample import Boundary
from ....spec.parameter_types import AxisLabel
from ..disclosure import BLUR, SETTINGS
from ._digitise import Degraded, Picture
from ._filters import box_taps, disk_kernel, filter_separable, filter_valid, gaussian_taps, motion_kernel, pad


@regime("blur", discloses=("kernel", "boundary"), keeps=SETTINGS, adds_up=BLUR)
def blur(
    x: Picture,
    rng: np.random.Generator,
    *,
    sigma: Annotated[float, Ge(0.05), Le(20), AxisLabel("σ of the blur (pixels)")],
    kernel: Literal["gaussian", "box", "disk", "motion"] = "gaussian",
    angle: Annotated[float, Ge(-360), Le(360)] = 0.0,
    boundary: Boundary = "reflect",
) -> Degraded:
    """Blur by a kernel of standard deviation sigma pixels: Gaussian, box, disk, or the line of a motion.

    `box` is about σ√12 wide, `disk` of radius 2σ, `motion` a line of length σ√12 at `angle` degrees. On the grid of
    pixels `box` has the standard deviation sigma exactly, `gaussian`, a sampled one, to 0.1 % from 0.8 on and less
    below: 0.46 at 0.5, 0.09 at 0.3. Pixels widen `disk` (1.06 at 1, 2.03 at 2) and `motion` along its line (1.08 at
    1, 2.04 at 2); across its line `motion` has 0 to 0.44, so that it blurs less than the others of its sigma. The
    border is mirrored about its outer edge (`reflect`) or periodic (`circular`). The kernel disclosed is (h, w)
    float64 of odd size, sum 1 and symmetric about its centre.
    """
    if kernel in ("gaussian", "box"):
        taps = gaussian_taps(sigma) if kernel == "gaussian" else box_taps(sigma)
        reach = len(taps) // 2
        return filter_separable(pad(x, reach, reach, boundary), taps), {
            "kernel": np.outer(taps, taps),
            "boundary": boundary,
        }
    plane = disk_kernel(sigma) if kernel == "disk" else motion_kernel(sigma, angle)
    reach = len(plane) // 2
    return filter_valid(pad(x, reach, reach, boundary), plane), {"kernel": plane, "boundary": boundary}
