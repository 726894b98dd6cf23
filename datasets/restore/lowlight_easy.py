from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "lowlight_easy",
    licence="not stated",
    citation="L. Ma et al., Toward fast, flexible, and robust low-light image enhancement, CVPR 2022",
    homepage="https://github.com/vis-opt-group/SCI",
)
def lowlight_easy() -> nb.ManifestSet:
    """Dark photographs (easy). No well-lit reference: noise is added to, and scored against, the dark one.

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "lowlight_easy.csv"
    return nb.ManifestSet(
        "lowlight_easy", manifest, folder="LowLight_SCI/easy", homepage="https://github.com/vis-opt-group/SCI"
    )
