"""Pictures of the user, read one at a time."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import noisebench as nb
import numpy as np


class Files:
    """Pictures in a fixed order; with `partners`, each with its noisy or small version.

    `group` is a regular expression that finds in each name what pictures of one group share: its first bracket, or
    all of what it matches. Raises `UsageError` where it is none, or finds nothing in a name.
    """

    def __init__(
        self,
        files: Sequence[Path],
        names: Sequence[str],
        partners: Sequence[Path] | None = None,
        group: str | None = None,
    ) -> None:
        # A name that is not UTF-8 still has to go into JSON.
        self.ids: Sequence[str] = [os.fsencode(name).decode("utf-8", "replace") for name in names]
        self._files = files
        self._partners = partners
        self._groups = [group_of(name, group) for name in self.ids]

    def load(self, index: int) -> nb.Sample:
        """Picture `index`. Raises `UsageError` naming what cannot be read or does not fit its partner."""
        clean = nb.read_picture(self._files[index])
        if self._partners is None:
            return nb.Sample(self.ids[index], clean, group=self._groups[index])
        noisy = nb.read_picture(self._partners[index])
        if noisy.ndim == 2 and clean.shape[2:] == (3,):
            noisy = np.repeat(noisy[:, :, None], 3, axis=2)
        scale = _scale(clean.shape, noisy.shape)
        if not scale or clean.ndim != noisy.ndim or clean.shape[2:] != noisy.shape[2:]:
            raise nb.UsageError(
                f"{nb.one_line(self._files[index])} has shape {clean.shape} but {nb.one_line(self._partners[index])} "
                f"has {noisy.shape}: a pair has the same channels and one size, or the clean one is a whole number of "
                "times as large"
            )
        height, width = (side * scale for side in noisy.shape[:2])
        return nb.Sample(
            self.ids[index], np.ascontiguousarray(clean[:height, :width]), noisy, group=self._groups[index]
        )


def _scale(large: Sequence[int], small: Sequence[int]) -> int:
    """How many times as large, 0 where there is no such whole number. Up to scale − 1 pixels over count as cut off."""
    height, width = (a // b for a, b in zip(large[:2], small[:2], strict=True))
    over = max(a - height * b for a, b in zip(large[:2], small[:2], strict=True))
    return height if height == width and over < height else 0


def group_of(name: str, group: str | None) -> str:
    """What the regular expression `group` finds in a name, empty without one. Raises `UsageError` as `Files` does."""
    if group is None:
        return ""
    try:
        match = re.search(group, name)
    except re.error as error:
        raise nb.UsageError(f"group={group!r} is no regular expression: {error}") from None
    text = match and next((part for part in match.groups() if part), match[0])
    if not text:
        raise nb.UsageError(f"group={group!r} finds nothing in {nb.one_line(name)!r}: each name must show its group")
    return text
