from __future__ import annotations

from ....components.decorators import metric
from ..scored import Characters


@metric("nats", title="nats a character", track="text", higher=False, unit="nat", order=0, gate={"max_drop": 0.01})
def nats(characters: Characters) -> float:
    """Mean of -ln p of the true character, over all that have a typed one before them; ln K is that of a guess.

    Bits are these by ln 2, the perplexity is their exponential.
    """
    return float(characters.nats.mean())
