from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Batch


@metric("nfe", title="NFE", track="generate", higher=False, order=50, decimals=1)
def nfe(batch: Batch) -> float:
    """How often a model was asked for each sample, counted by the track: guidance asks twice where others ask once.

    Not defined where no model of the track was asked, as of the optimum.
    """
    return NotDefined("no model of the track was asked") if batch.evaluations is None else batch.evaluations
