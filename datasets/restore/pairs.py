"""Clean and noisy pictures of one name (without its ending) in two folders; for the regime `real`."""

from __future__ import annotations

import noisebench as nb
from noisebench.datasets.restore._files import Files


@nb.dataset("pairs", licence="the user's own")
def pairs(*, clean: str, noisy: str, pattern: str = "*", group: str | None = None) -> Files:
    """Clean and noisy pictures of one name (without its ending) in two folders; for the regime `real`.

    group: as of `folder`.
    """
    found = nb.pair_folders(clean, noisy, nb.PICTURE_SUFFIXES, pattern)
    names = [name for name, _, _ in found]
    return Files([file for _, file, _ in found], names, [file for _, _, file in found], group)
