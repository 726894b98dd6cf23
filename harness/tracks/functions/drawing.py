"""A fit as a small picture: the samples as dots, the true function in grey, the fit as a line."""

from __future__ import annotations

import io

import numpy as np

from ...track.posed_case import Case
from .target import Floats, SampledPoints, Target


def draw_fit(item: Target, case: Case, fit: Floats) -> dict[str, bytes] | None:
    """A PNG of a function, its noisy samples and a fit (M,); None where points have more than one coordinate."""
    from matplotlib.figure import Figure

    given: SampledPoints = case.given
    if item.at.shape[1] > 1:
        return None
    figure = Figure(figsize=(2.2, 1.5), dpi=150)
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.96))
    order = np.argsort(item.at[:, 0])
    axes.plot(given.x[:, 0], given.y, ".", color="#b9bec6", markersize=2, zorder=1)
    axes.plot(item.at[order, 0], item.truth[order], color="#6b7280", linewidth=1.0, zorder=2)
    axes.plot(item.at[order, 0], fit[order], color="#c2410c", linewidth=1.0, zorder=3)
    low, high = float(item.truth.min()), float(item.truth.max())
    margin = 0.25 * (high - low) or 1.0
    axes.set(ylim=(low - margin, high + margin), xticks=[], yticks=[])
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return {"fit": file.getvalue()}
