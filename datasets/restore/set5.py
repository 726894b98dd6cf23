from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "set5",
    licence="not stated",
    citation="M. Bevilacqua et al., Low-complexity single-image super-resolution, BMVC 2012",
    homepage="https://github.com/majedelhelou/denoising_datasets",
)
def set5() -> nb.ManifestSet:
    """Set5: five colour pictures, the usual test of super-resolution.

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "set5.csv"
    return nb.ManifestSet(
        "set5", manifest, folder="Set5", homepage="https://github.com/majedelhelou/denoising_datasets"
    )
