from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "bsds500_train",
    licence="non-commercial research and education",
    citation="P. Arbeláez, M. Maire, C. Fowlkes, J. Malik, Contour detection and hierarchical image segmentation, "
    "IEEE TPAMI 33(5), 2011",
    homepage="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
)
def bsds500_train() -> nb.ManifestSet:
    """BSDS500 train: 200 colour pictures of the Berkeley set, 481x321, JPEG; none is in BSD68 or CBSD68.

    Public: a method can know its items and their truths. `302003` shows what `woman` of Set5 shows, and some of the
    pictures are, grey and smaller, in BSD400.
    """
    manifest = Path(__file__).parent / "manifests" / "bsds500_train.csv"
    return nb.ManifestSet(
        "bsds500_train",
        manifest,
        folder="BSDS500_train",
        homepage="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
    )
