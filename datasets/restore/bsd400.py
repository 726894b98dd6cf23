from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "bsd400",
    licence="non-commercial research and education",
    citation="D. Martin, C. Fowlkes, D. Tal, J. Malik, A database of human segmented natural images, ICCV 2001",
    homepage="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/",
)
def bsd400() -> nb.ManifestSet:
    """BSD400: 400 grey pictures of the Berkeley set at 180 × 180, on which DnCNN was trained.

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "bsd400.csv"
    return nb.ManifestSet(
        "bsd400",
        manifest,
        folder="BSD400_train",
        homepage="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/",
    )
