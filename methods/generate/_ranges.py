"""Ranges for rounding values to few bits: those with the smallest mean of the error to the power 2.4."""

from __future__ import annotations

from typing import Any

_POWER = 2.4
"""Of the error: large ones count more than in its square, so that a range reaches further."""
_SHARES = 50
"""Ends that are tried on one side: so many even parts of the way from 0 to the farthest value."""
_SWEEPS = 6
_AT_ONCE = 1 << 19
"""Errors that are held in memory at once."""


def rounded(values: Any, low: Any, high: Any, bits: int) -> Any:
    """Values on the nearest of 2^bits even levels from `low` to `high`, one of which is 0; those beyond at the ends.

    low ≤ 0 ≤ high: numbers, or tensors that broadcast against `values`.
    """
    import torch

    low, high = (torch.as_tensor(end, dtype=values.dtype, device=values.device) for end in (low, high))
    most = 2**bits - 1
    step = ((high - low) / most).clamp_min(1e-12)
    zero = torch.round(-low / step)
    return (torch.round(values / step) + zero).clamp(0, most).sub(zero).mul(step)


def channels_rounded(rows: Any, bits: int) -> Any:
    """Rows (K, N), each on 2^bits - 1 even levels around 0, to the end with the smallest error of that row."""
    import torch

    most = 2 ** (bits - 1) - 1
    farthest = rows.abs().amax(dim=1, keepdim=True)
    best, least = rows, torch.full_like(farthest, torch.inf)
    for part in range(1, 2 * _SHARES + 1):
        step = (farthest * part / (2 * _SHARES) / most).clamp_min(1e-12)
        candidate = torch.round(rows / step).clamp(-most, most) * step
        errors = (candidate - rows).abs().pow(_POWER).mean(dim=1, keepdim=True)
        best, least = torch.where(errors < least, candidate, best), torch.minimum(errors, least)
    return best


def best_range(values: Any, bits: int) -> tuple[float, float]:
    """The ends of the range with the smallest rounding error of `values` (N,): both together, then one by one."""
    import torch

    farthest = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    shares = torch.arange(1, _SHARES + 1, dtype=values.dtype, device=values.device) / _SHARES
    tried = [shares * end for end in farthest]
    together = int(_errors(values, tried[0], tried[1], bits).argmin())
    ends, before = [float(side[together]) for side in tried], list[float]()
    for _ in range(_SWEEPS):
        if ends == before:
            break
        before = list(ends)
        for side in (0, 1):
            if tried[side][-1] == 0:
                continue
            low, high = (tried[end] if end == side else torch.full_like(shares, ends[end]) for end in (0, 1))
            ends[side] = float(tried[side][int(_errors(values, low, high, bits).argmin())])
    return ends[0], ends[1]


def _errors(values: Any, low: Any, high: Any, bits: int) -> Any:
    """The rounding error of the values by each of the ranges, (K,)."""
    import torch

    each = max(1, _AT_ONCE // len(values))
    return torch.cat([
        (rounded(values[None], a[:, None], b[:, None], bits) - values).abs().pow(_POWER).mean(dim=1)
        for a, b in zip(low.split(each), high.split(each), strict=True)
    ])  # fmt: skip
