from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Characters


@metric("excess", title="nats above the source", track="text", higher=False, unit="nat", order=2)
def excess(characters: Characters) -> float:
    """Nats a character above those of the source that made the passage, which on the mean none is below.

    Not defined where the source is not known.
    """
    if characters.source is None:
        return NotDefined("the source of the passage is not known")
    return float((characters.nats - characters.source).mean())
