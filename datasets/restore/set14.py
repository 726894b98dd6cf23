from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "set14",
    licence="not stated",
    citation="R. Zeyde, M. Elad, M. Protter, On single image scale-up using sparse-representations, 2010",
    homepage="https://github.com/majedelhelou/denoising_datasets",
)
def set14() -> nb.ManifestSet:
    """Set14: fourteen pictures, one of them grey; shares scenes with Set5 and Set12.

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "set14.csv"
    return nb.ManifestSet(
        "set14", manifest, folder="Set14", homepage="https://github.com/majedelhelou/denoising_datasets"
    )
