"""Supervised: the network is given the input and told the truth."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb


@nb.objective("supervised")
def supervised(net: Any, batch: Any, *, loss: Annotated[Any, nb.Nested("loss")] = "l1") -> Any:
    """Supervised: the loss of what the network makes of the input, against the truth."""
    return loss.entry.obj(net(batch["given"]), batch["wanted"], **loss.kwargs)
