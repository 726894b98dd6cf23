from __future__ import annotations

from pathlib import Path

import noisebench as nb

_FOLDER = Path(__file__).parent


@nb.dataset(
    "photos24",
    licence="CC0-1.0 or public domain, picture by picture in pictures/licences.csv",
    citation="photographers and sources in pictures/licences.csv",
    homepage="https://scikit-image.org",
)
def photos24() -> nb.ManifestSet:
    """The twelve of `photos` and twelve more 256x256 photographs: 13 grey, 11 colour, of 22 scenes.

    Two parts of one photograph are one group. Public: a method can know its items and their truths.
    """
    return nb.ManifestSet(
        "photos24", _FOLDER / "manifests" / "photos24.csv", folder="photos", fixed=_FOLDER / "pictures"
    )
