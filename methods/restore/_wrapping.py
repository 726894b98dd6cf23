"""What wrappers around a method share: what they refuse, and how they call it."""

from __future__ import annotations

from typing import Any

import noisebench as nb


def refuse_learner(method: nb.Bound) -> None:
    """Raise `UsageError` for a method of torch that learns from what it restores: it cannot be differentiated."""
    if method.entry.meta["zero_shot"] and method.entry.meta["layout"] != "hwc":
        raise nb.UsageError(
            f"method={method.display} learns from the picture that it restores, which torch cannot "
            "differentiate: give one that is trained before"
        )


def refuse_unwrappable(name: str, method: Any) -> None:
    """Raise `UsageError` for a method that knows which picture it is given: a part or a turned one is another."""
    for entry in method.entries:
        if entry.meta.get("named") or entry.meta.get("oracle"):
            raise nb.UsageError(f"{name} cannot wrap {entry.name}, which looks up whole pictures: name it by itself")


def variants_of(method: nb.Bound) -> list[nb.Bound]:
    """The method itself, or of a tuned one all variants."""
    grid = nb.grid_of(method)
    return [method] if grid is None else [one for _, one in grid.variants]


def wrapped(name: str, method: Any) -> nb.Restorer:
    """The method within, ready to be set up."""
    refuse_unwrappable(name, method)
    return nb.Restorer(method)


def apply(inner: nb.Restorer, noisy: Any, info: Any) -> Any:
    """`noisy` (H, W, C) restored, of the size that `info` wants. Raises what the method raises, and `Skip`."""
    size = info.shape if info.scale else noisy.shape[:2]
    return inner.restore(noisy, info, (*size, noisy.shape[2]))
