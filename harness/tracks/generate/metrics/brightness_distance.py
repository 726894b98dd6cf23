from __future__ import annotations

from ....components.decorators import metric
from ..scored import Batch


@metric("brightness_distance", title="brightness distance", track="generate", higher=False, order=63)
def brightness_distance(batch: Batch) -> float:
    """How far the brightness of samples is from that of reference pictures, as a law: of histograms the area between.

    The Wasserstein distance of mean values of pictures, on [-1, 1]: how far brightness has to be moved, on the average.
    0 is best; that of a batch of true pictures is about 1.25 deviations of a picture's mean over the root of
    their number, where that mean is normally distributed.
    """
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(batch.samples.mean(axis=1), batch.reference.rows.mean(axis=1)))
