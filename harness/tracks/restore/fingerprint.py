"""What identifies a picture and its noisy one: the line that goes into the fingerprint of a dataset."""

from __future__ import annotations

import hashlib

import numpy as np

from ...imaging.pixels import Array, canonical, pixel_sha256
from ...imaging.sample import Sample
from .degrade import check_finite, clean_of


def sample_line(item: Sample) -> str:
    """Id, clean and noisy pixels, what the optimum is told, and the group, on one line.

    Raises `UsageError` for what is no picture.
    """
    clean_of(item)
    if item.noisy is not None:
        check_finite(np.asarray(item.noisy), f"{item.id!r}: noisy")
    noisy = _pixels(item.noisy) if item.noisy is not None else "-"
    meta = hashlib.sha256()
    for key in sorted(item.meta):
        value = item.meta[key]
        meta.update(key.encode())
        if isinstance(value, np.ndarray):
            # Laws are computed in float64, the last bits of which differ from processor to processor.
            exact = np.rint(value * 2.0**24) + 0.0 if value.dtype.kind == "f" else value
            meta.update(np.ascontiguousarray(exact).tobytes())
        else:
            meta.update(repr(value).encode())
    group = f" group {item.group!r}" if item.group else ""
    return f"{item.id!r} {_pixels(item.clean)} {noisy} {meta.hexdigest() if item.meta else '-'}{group}"


def _pixels(picture: Array) -> str:
    """The hash of a picture as it is stored, and that of its values where it is another."""
    stored, values = pixel_sha256(picture), canonical(picture)
    same = values is picture or pixel_sha256(values) == stored
    return stored if same else f"{stored}={pixel_sha256(values)}"


def clean_sha256(item: Sample) -> str:
    """The hash of the clean picture's values."""
    return pixel_sha256(canonical(clean_of(item)))
