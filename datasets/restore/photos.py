from __future__ import annotations

from pathlib import Path

import noisebench as nb

_FOLDER = Path(__file__).parent


@nb.dataset(
    "photos",
    licence="CC0-1.0 or public domain, picture by picture in pictures/licences.csv",
    citation="S. van der Walt et al., scikit-image: image processing in Python, PeerJ 2:e453, 2014",
    homepage="https://scikit-image.org",
)
def photos() -> nb.ManifestSet:
    """Twelve 256x256 photographs: 5 grey, 7 colour; textured and smooth, bright and dark.

    Public: a method can know its items and their truths.
    """
    return nb.ManifestSet("photos", _FOLDER / "manifests" / "photos.csv", folder="photos", fixed=_FOLDER / "pictures")
