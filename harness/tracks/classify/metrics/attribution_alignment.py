from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..explanation import Explanation
from ._correlation import correlation


@metric("attribution_alignment", title="Attribution alignment", track="classify", maps=True, order=44)
def attribution_alignment(explanation: Explanation) -> float | NotDefined:
    """Attribution alignment (Gong et al. 2022): correlation of two maps of the true class, before two pictures.

    From -1 to 1, which is that of equal maps. Not defined but of a method that gives second maps, `attributions(…)`.
    """
    due = explanation.unlearned  # the second maps of a method, here those that the first should be
    if due is None:
        return NotDefined("gives no second maps")
    return correlation(explanation.maps[explanation.label], due[explanation.label])
