from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "cbsd68",
    licence="non-commercial research and education",
    citation="D. Martin, C. Fowlkes, D. Tal, J. Malik, A database of human segmented natural images, ICCV 2001",
    homepage="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/",
)
def cbsd68() -> nb.ManifestSet:
    """CBSD68: 68 colour pictures of the Berkeley set.

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "cbsd68.csv"
    return nb.ManifestSet(
        "cbsd68", manifest, folder="CBSD68", homepage="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/"
    )
