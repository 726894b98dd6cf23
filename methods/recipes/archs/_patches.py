"""A picture as a row of square tokens, and back."""

from __future__ import annotations

from typing import Any


def as_tokens(pictures: Any, patch: int) -> Any:
    """Pictures (N, C, H, W) → tokens (N, T, C patch²), in rows from the top left; values by channel, row, column."""
    count, channels, height, width = pictures.shape
    squares = pictures.reshape(count, channels, height // patch, patch, width // patch, patch)
    return squares.permute(0, 2, 4, 1, 3, 5).reshape(count, -1, channels * patch**2)


def as_pictures(tokens: Any, shape: tuple[int, ...], patch: int) -> Any:
    """Tokens (N, T, C patch²) → pictures (N, C, H, W) of that shape (C, H, W)."""
    channels, height, width = shape
    squares = tokens.reshape(len(tokens), height // patch, width // patch, channels, patch, patch)
    return squares.permute(0, 3, 1, 4, 2, 5).reshape(-1, channels, height, width)


def places_of(tokens: Any, places: Any) -> Any:
    """Of tokens (N, T, D) those at `places` (N, n), as rows (N n, D)."""
    return tokens.gather(1, places[..., None].expand(-1, -1, tokens.shape[2])).flatten(0, 1)


def seen_alone(model: Any, x: Any, sigma: Any, labels: Any = None) -> Any:
    """What a model of tokens sees in noisy pictures x (N, C, H, W), each token by itself and no other known.

    `sigma` is a number or a tensor (N, 1, 1, 1), `labels` (N,) or None. It is what the first iteration is given.
    """
    import torch

    tokens = as_tokens(x, model.patch)
    count, length, width = tokens.shape
    places = torch.arange(length, device=x.device).expand(count, length)
    conditions = model.told(torch.zeros_like(x), torch.zeros_like(places, dtype=torch.bool), places, labels)
    level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device).reshape(-1, 1).expand(count, length).reshape(-1, 1)
    seen = model.seen(tokens.reshape(-1, width), level, conditions)
    return as_pictures(seen.reshape(count, length, width), tuple(x.shape[1:]), model.patch)
