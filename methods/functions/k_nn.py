"""The mean of the nearest samples, their number by cross-validation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge


@nb.method("k_nn", track="functions", blind=True, cite="Fix & Hodges 1951; Cover & Hart 1967")
def k_nn(
    samples: Any,
    info: Any,
    *,
    k: Annotated[int, Ge(1)] | None = None,
    weights: Literal["uniform", "distance"] = "uniform",
) -> Any:
    """The mean of the k nearest samples by scikit-learn, float64 (M,); `weights=distance` weighs them by 1 / distance.

    Default k: the one of 1, 2, 3, 5, 8, 13, 21, 34 with the least error in 5-fold cross-validation.
    """
    from sklearn.model_selection import GridSearchCV, KFold
    from sklearn.neighbors import KNeighborsRegressor

    model = KNeighborsRegressor(k or 1, weights=weights)
    if k is None and len(samples.y) >= 10:
        tried = [n for n in (1, 2, 3, 5, 8, 13, 21, 34) if n <= len(samples.y) // 2]
        folds = KFold(5, shuffle=True, random_state=0)
        model = GridSearchCV(model, {"n_neighbors": tried}, scoring="neg_mean_squared_error", cv=folds)
    elif k is not None and k > len(samples.y):
        raise nb.Skip(f"k={k} is above the {len(samples.y)} samples: give a smaller k")
    return model.fit(samples.x, samples.y).predict(samples.at)
