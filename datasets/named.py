"""Named test sets, pinned by manifests. Their pictures are not in the package: users have or fetch them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import noisebench as nb

_MANIFESTS = Path(__file__).parent / "manifests"
_BSD = "D. Martin, C. Fowlkes, D. Tal, J. Malik, A database of human segmented natural images, ICCV 2001"
_BSD_HOME = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/"
_SCI = "L. Ma et al., Toward fast, flexible, and robust low-light image enhancement, CVPR 2022"
_SCI_HOME = "https://github.com/vis-opt-group/SCI"


def _named(
    name: str, folder: str, doc: str, *, licence: str, citation: str, homepage: str
) -> Callable[[], nb.ManifestSet]:
    """Register a set whose pictures lie in `folder` of a data root."""

    def opened() -> nb.ManifestSet:
        return nb.ManifestSet(name, _MANIFESTS / f"{name}.csv", folder=folder, homepage=homepage)

    opened.__name__ = opened.__qualname__ = name
    opened.__doc__ = doc
    return nb.dataset(name, licence=licence, citation=citation, homepage=homepage)(opened)


set5 = _named(
    "set5", "Set5", "Set5: five colour pictures, the usual test of super-resolution.",
    licence="not stated",
    citation="M. Bevilacqua et al., Low-complexity single-image super-resolution, BMVC 2012",
    homepage="https://github.com/majedelhelou/denoising_datasets",
)  # fmt: skip
set12 = _named(
    "set12", "Set12", "Set12: twelve grey pictures, 256x256 and 512x512; DnCNN's test of grey denoising.",
    licence="not stated",
    citation="K. Zhang et al., Beyond a Gaussian denoiser, IEEE TIP 26(7), 2017",
    homepage="https://github.com/cszn/DnCNN",
)  # fmt: skip
set14 = _named(
    "set14", "Set14", "Set14: fourteen pictures, one of them grey; shares scenes with Set5 and Set12.",
    licence="not stated",
    citation="R. Zeyde, M. Elad, M. Protter, On single image scale-up using sparse-representations, 2010",
    homepage="https://github.com/majedelhelou/denoising_datasets",
)  # fmt: skip
bsd68 = _named(
    "bsd68", "BSD68", "BSD68: 68 grey pictures of the Berkeley set, the rounded luma of CBSD68.",
    licence="non-commercial research and education", citation=_BSD, homepage=_BSD_HOME,
)  # fmt: skip
cbsd68 = _named(
    "cbsd68", "CBSD68", "CBSD68: 68 colour pictures of the Berkeley set.",
    licence="non-commercial research and education", citation=_BSD, homepage=_BSD_HOME,
)  # fmt: skip
kodak24 = _named(
    "kodak24", "Kodak24", "Kodak24: 24 colour photographs, 768x512 (not FFDNet's 500x500 crop of them).",
    licence="released by Kodak for unrestricted use",
    citation="Kodak lossless true color image suite (PhotoCD PCD0992)",
    homepage="https://r0k.us/graphics/kodak/",
)  # fmt: skip
kodak24_crop500 = _named(
    "kodak24_crop500", "Kodak24_crop500",
    "The \"Kodak24\" of FFDNet's tables: 500x500 out of each of the 24 photographs; no figure of one fits the other.",
    licence="released by Kodak for unrestricted use",
    citation="Kodak lossless true color image suite (PhotoCD PCD0992); cropped by K. Zhang et al., FFDNet, IEEE TIP "
    "27(9), 2018",
    homepage="https://github.com/cszn/FFDNet",
)  # fmt: skip
polyu = _named(
    "polyu", "PolyU", "PolyU: 100 pairs of real noise, 512x512; both are JPEG, so the noise is compressed.",
    licence="non-commercial research",
    citation="J. Xu et al., Real-world noisy image denoising: a new benchmark, 2018",
    homepage="https://github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset",
)  # fmt: skip
mri_knee = _named(
    "mri_knee", "MRI_knee", "Three knee slices (real-valued, scaled to [0, 1]) of score-MRI, out of fastMRI.",
    licence="fastMRI data use agreement (no redistribution)",
    citation="H. Chung, J. C. Ye, Score-based diffusion models for accelerated MRI, MedIA 80, 2022",
    homepage="https://github.com/HJ-harry/score-MRI",
)  # fmt: skip
lowlight_easy = _named(
    "lowlight_easy", "LowLight_SCI/easy",
    "Dark photographs (easy). No well-lit reference: noise is added to, and scored against, the dark one.",
    licence="not stated", citation=_SCI, homepage=_SCI_HOME,
)  # fmt: skip
lowlight_medium = _named(
    "lowlight_medium", "LowLight_SCI/medium",
    "Dark photographs (medium). No well-lit reference: noise is added to, and scored against, the dark one.",
    licence="not stated", citation=_SCI, homepage=_SCI_HOME,
)  # fmt: skip
