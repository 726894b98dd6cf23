from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "lowlight_medium",
    licence="not stated",
    citation="L. Ma et al., Toward fast, flexible, and robust low-light image enhancement, CVPR 2022",
    homepage="https://github.com/vis-opt-group/SCI",
)
def lowlight_medium() -> nb.ManifestSet:
    """Dark photographs (medium). No well-lit reference: noise is added to, and scored against, the dark one.

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "lowlight_medium.csv"
    return nb.ManifestSet(
        "lowlight_medium", manifest, folder="LowLight_SCI/medium", homepage="https://github.com/vis-opt-group/SCI"
    )
