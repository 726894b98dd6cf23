from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "kodak24_crop500",
    licence="released by Kodak for unrestricted use",
    citation="Kodak lossless true color image suite (PhotoCD PCD0992); cropped by K. Zhang et al., "
    "FFDNet, IEEE TIP 27(9), 2018",
    homepage="https://github.com/cszn/FFDNet",
)
def kodak24_crop500() -> nb.ManifestSet:
    """The 'Kodak24' of FFDNet's tables: 500x500 out of each of the 24 photographs; no figure of one fits the other.

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "kodak24_crop500.csv"
    return nb.ManifestSet(
        "kodak24_crop500", manifest, folder="Kodak24_crop500", homepage="https://github.com/cszn/FFDNet"
    )
