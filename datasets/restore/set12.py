from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "set12",
    licence="not stated",
    citation="K. Zhang et al., Beyond a Gaussian denoiser, IEEE TIP 26(7), 2017",
    homepage="https://github.com/cszn/DnCNN",
)
def set12() -> nb.ManifestSet:
    """Set12: twelve grey pictures, 256x256 and 512x512; DnCNN's test of grey denoising.

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "set12.csv"
    return nb.ManifestSet("set12", manifest, folder="Set12", homepage="https://github.com/cszn/DnCNN")
