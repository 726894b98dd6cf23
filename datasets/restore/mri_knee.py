from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset(
    "mri_knee",
    licence="fastMRI data use agreement (no redistribution)",
    citation="H. Chung, J. C. Ye, Score-based diffusion models for accelerated MRI, MedIA 80, 2022",
    homepage="https://github.com/HJ-harry/score-MRI",
)
def mri_knee() -> nb.ManifestSet:
    """Three knee slices (real-valued, scaled to [0, 1]) of score-MRI, out of fastMRI.

    Public: a method can know its items and their truths.
    """
    manifest = Path(__file__).parent / "manifests" / "mri_knee.csv"
    return nb.ManifestSet("mri_knee", manifest, folder="MRI_knee", homepage="https://github.com/HJ-harry/score-MRI")
