"""Whether an output is nearer to the truth than what is fitted to noisy values can be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_NEAR = 0.03
"""So many standard errors of one fitted number are nearer than a fit is but in 2 of 100 cases; with more numbers it is
farther off still."""
_TENTH = 0.1257
"""Below so many deviations a tenth of normal noise lies."""

Values = npt.NDArray[np.float64]


def is_copied(off: Values, noise: Values) -> bool:
    """Whether the values of an output are off by less than a fit of one number to as many noisy values is.

    `off` is what they are off by, and `noise` that of the values that a method had. Where a tenth of these has no
    noise, as with outliers, what is fitted may be exact, and nothing is said.
    """
    deviation = float(np.quantile(np.abs(noise), 0.1)) / _TENTH
    if not deviation > 0:
        return False
    return bool(len(noise) * np.mean(np.square(off)) <= (_NEAR * deviation) ** 2)
