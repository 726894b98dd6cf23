from __future__ import annotations

import noisebench as nb
from noisebench.datasets.restore._files import Files


@nb.dataset("pairs", licence="the user's own", own_files=True)
def pairs(*, clean: str, noisy: str, pattern: str = "*", group: str | None = None) -> Files:
    """Clean and noisy, or large and small, pictures of one name (without its ending) in two folders; for `real`.

    A clean picture may be a whole number of times as large as its partner: then `real` discloses the `scale`. Where it
    does not divide its sides, the clean picture is cut at the bottom and the right. `bird.png` and `birdx2.png` are
    one name where all files of the folder `noisy` have the same ending `x2`. A grey partner of a coloured picture, such
    as one from a radar, is given in three equal channels. group: as of `folder`.
    """
    files = nb.pair_folders(clean, noisy, nb.PICTURE_SUFFIXES, pattern, scaled=True)
    names = [name for name, _, _ in files]
    return Files([file for _, file, _ in files], names, [file for _, _, file in files], group)
