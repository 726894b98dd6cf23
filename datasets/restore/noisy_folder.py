from __future__ import annotations

from collections.abc import Sequence

import noisebench as nb
from noisebench.datasets.restore.folder import folder


class NoisyPictures:
    """Noisy pictures without a truth, each of which stands for it too."""

    def __init__(self, of: nb.Dataset) -> None:
        self._of = of
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> nb.Sample:
        """Picture `index`. Raises `UsageError` naming what cannot be read."""
        sample = self._of.load(index)
        return nb.Sample(sample.id, sample.clean, sample.clean, group=sample.group)


@nb.dataset("noisy_folder", licence="the user's own", own_files=True, truthless=True)
def noisy_folder(*, path: str, pattern: str = "*", group: str | None = None) -> NoisyPictures:
    """The noisy pictures of a folder, of which no truth is known: to train on with regime=real, and to restore.

    pattern and group are those of `folder`. Scores are against the noisy pictures themselves, so they rank nothing.
    """
    return NoisyPictures(folder(path=path, pattern=pattern, group=group))
