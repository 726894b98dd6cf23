from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "bsd68",
    licence="non-commercial research and education",
    citation="D. Martin, C. Fowlkes, D. Tal, J. Malik, A database of human segmented natural images, ICCV 2001",
    homepage="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/",
)
def bsd68() -> nb.ManifestSet:
    """BSD68: 68 grey pictures of the Berkeley set, the rounded luma of CBSD68.

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "bsd68.csv"
    return nb.ManifestSet(
        "bsd68", manifest, folder="BSD68", homepage="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/"
    )
