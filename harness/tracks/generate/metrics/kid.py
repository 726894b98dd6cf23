from __future__ import annotations

from ....components.decorators import metric
from ....distances.kernel import kernel_distance
from ..scored import Batch
from ._undefined import too_few


@metric("kid", title="KID", track="generate", higher=False, order=1, decimals=5)
def kid(batch: Batch) -> float:
    """Kernel distance of a batch to the reference set, its features the values of pixels (Bińkowski et al. 2018).

    Unbiased: 0 in the mean for samples of the law of the reference, and it may be below. It sees moments up to the
    third; `energy_distance` sees all.
    """
    if len(batch.samples) < 2:
        return too_few()
    return kernel_distance(batch.samples, batch.reference.rows)[0]
