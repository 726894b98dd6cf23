from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "polyu",
    licence="non-commercial research",
    citation="J. Xu et al., Real-world noisy image denoising: a new benchmark, 2018",
    homepage="https://github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset",
)
def polyu() -> nb.ManifestSet:
    """PolyU: 100 pairs of real noise, 512x512; both are JPEG, so the noise is compressed.

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "polyu.csv"
    return nb.ManifestSet(
        "polyu", manifest, folder="PolyU", homepage="https://github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset"
    )
