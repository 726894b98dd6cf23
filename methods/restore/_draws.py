"""Seeds for torch's own generator that depend on the picture alone."""

from __future__ import annotations

from typing import Any


def drawn_seed(info: Any) -> int:
    """The next seed out of `info`'s draws: the same picture gives the same network."""
    import torch

    return int(torch.randint(2**62, (), generator=info.generator))
