from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "kodak24",
    licence="released by Kodak for unrestricted use",
    citation="Kodak lossless true color image suite (PhotoCD PCD0992)",
    homepage="https://r0k.us/graphics/kodak/",
)
def kodak24() -> nb.ManifestSet:
    """Kodak24: 24 colour photographs, 768x512 (not FFDNet's 500x500 crop of them).

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "kodak24.csv"
    return nb.ManifestSet("kodak24", manifest, folder="Kodak24", homepage="https://r0k.us/graphics/kodak/")
