"""Operations that latencies are relative to: each is bound by another part of the machine, and allocates nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

IN_CACHE = 2**14
"""Numbers of an array in float32 of which three stay in the cache of one core: 64 KiB."""
BEYOND_CACHE = 2**23
"""Numbers of an array in float32 of which three lie beyond most caches: 32 MiB."""


def reference_operation(device: str) -> Callable[[], Any]:
    """A 3×3 convolution of 16 to 16 channels at 256×256 in float32, the yardstick of `latency_rel`.

    As nine matrix products that add up in memory of its own, in strips that stay in the cache beside other work: a
    library's convolution allocates its result and its scratch at each call, and takes 2 ms or 5 with what the
    allocator happens to hold of the method. A change of what it does raises `REFERENCE`.
    """
    import torch

    channels, side, strip = 16, 256, 32
    width = side + 2
    part = strip * width
    generator = torch.Generator().manual_seed(0)
    # Rows of zero-padded pixels behind one another: a shift of the window is then a shift of the whole.
    padded = torch.zeros(channels, width * width + 2)
    inner = padded[:, : width * width].view(channels, width, width)[:, 1:-1, 1:-1]
    inner.copy_(torch.randn(channels, side, side, generator=generator))
    padded = padded.to(device)
    weights = torch.randn(3, 3, channels, channels, generator=generator).to(device)
    out = torch.zeros(channels, side * width, device=device)
    steps = [
        (out[:, start : start + part], weights[i, j], padded[:, start + i * width + j :][:, :part])
        for start in range(0, side * width, part)
        for i in range(3)
        for j in range(3)
    ]

    def call() -> Any:
        with torch.no_grad():
            out.zero_()
            for sums, weight, shifted in steps:
                sums.addmm_(weight, shifted)
            return out

    return call


def element_wise(device: str) -> Callable[[], Any]:
    """Sums, products and minima of arrays that stay in the cache."""
    import torch

    a, b = (torch.full((IN_CACHE,), value, device=device) for value in (0.25, 0.5))
    out = torch.full_like(a, 0.0)

    def call() -> Any:
        for _ in range(64):
            torch.mul(a, b, out=out)
            out.add_(a)
            torch.minimum(out, b, out=out)
            out.sub_(b)
        return out

    return call


def triad(device: str) -> Callable[[], Any]:
    """`a + 3 b` over arrays that come from memory and go there: 96 MiB."""
    import torch

    a, b, out = (torch.full((BEYOND_CACHE,), value, device=device) for value in (0.25, 0.5, 0.0))
    return lambda: torch.add(a, b, alpha=3.0, out=out)


def running_sum(device: str) -> Callable[[], Any]:
    """Additions of which each waits for the last, so that neither vectors nor threads help: as in most loops."""
    import torch

    numbers = torch.full((IN_CACHE,), 0.25, device=device)
    out = torch.full_like(numbers, 0.0)

    def call() -> Any:
        for _ in range(64):
            torch.cumsum(numbers, 0, out=out)
        return out

    return call


OTHERS: Mapping[str, Callable[[str], Callable[[], Any]]] = {
    "cache": element_wise,
    "memory": triad,
    "serial": running_sum,
}
"""What bounds a reference operation beside the convolution, which is bound by `compute`: how it is prepared."""
