"""A Gaussian process, its kernel by the marginal likelihood."""

from __future__ import annotations

import warnings
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le


@nb.method("gaussian_process", track="functions", blind=True, cite="Rasmussen & Williams 2006")
def gaussian_process(
    samples: Any,
    info: Any,
    *,
    kernel: Literal["rbf", "matern32", "matern52"] = "matern52",
    restarts: Annotated[int, Ge(0), Le(50)] = 2,
) -> Any:
    """The posterior mean of a Gaussian process by scikit-learn, float64 (M,); time grows with the cube of the samples.

    Amplitude, length scale and noise maximise the marginal likelihood (Rasmussen & Williams 2006, ch. 5), from the
    middle of their ranges and from `restarts` more points. Lengths lie between the spacing of the samples and their
    whole span, noise between 1e-10 and 10 times the variance of the samples.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

    span = float(np.ptp(samples.x, axis=0).max()) or 1.0
    lengths = (span / max(len(samples.x) ** (1 / samples.x.shape[1]), 2), 2 * span)
    middle = float(np.sqrt(lengths[0] * lengths[1]))
    shape = (
        RBF(middle, lengths) if kernel == "rbf" else Matern(middle, lengths, nu=1.5 if kernel == "matern32" else 2.5)
    )
    whole = ConstantKernel(1.0, (1e-3, 1e3)) * shape + WhiteKernel(1e-2, (1e-10, 1e1))
    model = GaussianProcessRegressor(whole, normalize_y=True, n_restarts_optimizer=restarts, random_state=0)
    with warnings.catch_warnings():
        # A kernel at the edge of its range is a result, not a mistake of the caller.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(samples.x, samples.y).predict(samples.at)
