"""Hashes of the inputs of every made dataset and of every regime.

Keys of cells, noise and draws depend on their bits. `tests/golden/inputs.json` holds the hashes, and is made by hand:
`python tests/support/golden_inputs.py`; `make test-lowest` holds them against the lowest version of numpy. A hash
that changes means that every stored result of that dataset or regime is void: raise its `version` with it. They hold
for the C library of a processor with fused multiply-add: without it, as before 2013, logarithms and with them the
draws of `laplace` differ in the last bit.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import noisebench as nb
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.track.track_protocol import case_of, identified
from noisebench.tracks.restore.regimes.corruption import Kind

GOLDEN = Path(__file__).parents[1] / "golden" / "inputs.json"
ITEMS = 3
"""The first so many items of each dataset."""

THREES = "some_classes(of=digits(split=train), classes=(3,))"
DATASETS = {
    "restore": (
        "c_alpha(n=3)", "centre_crop(of=photos, size=64)", "dead_leaves(n=3)", "dead_leaves(n=3, color=true)",
        "discs(n=3)", "gaussian_digits(n=3)", "gaussian_field(n=3)", "gaussian_mixture(n=3)",
        "joined(of=piecewise(n=1), more=photos)", "kspace_phantom(n=3)", "levels(of=photos, black=0.2, white=0.85)",
        "luma(of=photos)", "noisy(of=photos, regime=gaussian(sigma=25))",
        "noisy_only(of=noisy(of=photos, regime=poisson(peak=30)))", "partly_grey(of=photos, share=0.5)",
        "patches(of=photos, size=32)", "photos", "photos24", "piecewise(n=3)",
        "rescaled(of=photos, factors=(0.5, 2))", "rgb(of=photos)",
        "rim_lesions(n=3)", "rim_lesions(n=3, kind=faint)", "sar_to_optical(n=3)",
        'subset(of=photos, ids="*")', "textured_leaves(n=3)", "unlabelled(of=digits)",
        "unprocessed(of=centre_crop(of=photos, size=64))", "unprocessed(of=centre_crop(of=photos, size=64), form=raw)",
    ),
    "classify": (
        "asymmetric_labels(of=digits)", "blockdigits", "class_split(of=digits)", "digits", "flipped_labels(of=digits)",
        "half_space(n=3)",
        "half_space(n=3, chi=1.5)", "hidden(of=digits)", "hidden(of=digits, beside=1, behind=(photos,))",
        "instance_labels(of=digits)", "joined(of=digits(n=1), more=digits(split=train))",
        "known_and_unknown(of=digits(n=2), unknown=digits(split=train, n=2))", "parity",
        f"projected(of=digits, onto={THREES})", "rim_lesions", "shared_nuisance(of=digits)", "signal_coordinate(n=3)",
        "some_classes(of=digits, classes=(1, 2))", "spectrograms", f"synthetic(of={THREES})",
        "web_noise(of=digits, by=digits(split=train))", "webdigits(validated=1)",
    ),
    "segment": ("boundary_noise(of=ellipses(n=3), share=1)", "ellipses(n=3)", "ellipses(n=3, split=train)"),
    "adapt": (
        "changing(of=digits(n=20), regimes=(none, gaussian(sigma=25)), batch=10)",
        "open_set(of=some_classes(of=digits, classes=(0, 1)), "
        "unknown=some_classes(of=digits, classes=(7, 8)), share=0.3)",
        "stream(of=digits(n=40), batch=20)",
    ),
    "functions": ("bumps(n=3)", "hills(n=3)", "scanlines(of=photos)", "three_bumps", "three_bumps(scale=4)"),
    "generate": (
        "brightness(size=16)", "digits", "digits(labels=true)", "gaussian_digits", "gaussian_points",
        "gaussian_points(split=train)", "mixture_digits", "mixture_patches", "mixture_points",
        "noised(of=gaussian_digits)", "some_classes(of=digits(labels=true), classes=(1, 2))",
    ),
    "graph": ("erdos_renyi(n=3)", "nonlinear(n=3)", "nonlinear(n=3, mechanism=gp, hubs=true)", "scale_free(n=3)"),
    "matrix": ("entries", "gaussian_psd", "gaussian_rectangular", "ill_conditioned", "moving_things", "photographs"),
    "audio": ("compressed(of=voices(n=3))", "instruments(n=5)", "mixtures(n=3)", "voices(n=3)"),
    "text": ("word_chain(n=3)", "word_chain(n=3, length=200, words=8, split=train)"),
}  # fmt: skip
"""By track, every dataset that is made here of nothing but its own key, digits and photographs."""

FROM_FILES = {
    "restore": {
        "bsd400", "bsd68", "bsds500_train", "cbsd68", "folder", "kodak24", "kodak24_crop500", "lowlight_easy",
        "lowlight_medium", "mri_knee", "pairs", "polyu", "set12", "set14", "set5", "stack",
    },
    "classify": {"cifar10_subset", "fashion_mnist", "folder", "mnist", "table"},
    "segment": {"camvid_small", "em_membranes", "folder"},
    "functions": {"table"},
    "generate": {"cifar10_subset", "fashion_mnist", "folder", "mnist"},
    "graph": {"sachs", "table"},
    "matrix": {"tables"},
    "audio": {"folder", "fsdd", "music_moh", "noise_clips", "pairs", "speech_prompts"},
    "text": {"folder", "tiny_shakespeare"},
}  # fmt: skip
"""Datasets that are read: their bits are those of the files."""

LEARNED = {
    "restore": {"adversarial_examples"},
    "classify": {
        "adversarial_examples", "condensed", "generated", "generator_projected", "masked_by_gradient",
        "natural_and_attacked", "pruned",
    },
}  # fmt: skip
"""Datasets that a network makes or chooses: hardly two processors agree on one, which is kept where it was made."""

OF_PICTURES = (
    "none", "real", "gaussian(sigma=25)", "gaussian(sigma=25, clip=True, bits=8)", "gaussian_range(low=5, high=50)",
    "laplace(sigma=20)", "uniform(width=60)", "salt_pepper(p=0.2)", "impulse(p=0.2)",
    "mixture(sigmas=(10, 50), weights=(0.9, 0.1))", "correlated(sigma=25, radius=1.5)", "stripes(sigma=15)",
    "poisson(peak=30)", "poisson_gaussian(peak=30, sigma=5)", "gamma(looks=4)", "rayleigh", "rician(sigma=20)",
    "sensor(iso=3200)", "eld", "eld(clip=True)", "checkerboard", "jpeg(quality=30)", "quantize(bits=3)",
    "exposure(gain=0.15, gamma=2)", "mask(keep=0.4)", "mask(keep=0.7, kind=holes)", "mask(keep=0.7, kind=strokes)",
    "kspace(accel=3, sigma=10)", "downsample(scale=2)", "blur(sigma=1.6)", "blur(sigma=2, kernel=motion, angle=30)",
    "kair(sigma=25)", "restormer(sigma=25)", "dncnn_matlab(sigma=25)", "swinir(sigma=25)",
    *(f"corruption(kind={kind})" for kind in get_args(Kind)),
)  # fmt: skip
OF_LABELS = tuple(regime for regime in OF_PICTURES if regime != "real")
OF_MAPS = tuple(regime for regime in OF_LABELS if not regime.startswith("downsample"))

REGIMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "restore": (("sar_to_optical(n=1)", "discs(n=1)"), (*OF_PICTURES, "negseq(of=photos)")),
    "classify": (("digits",), OF_LABELS),
    "segment": (("ellipses(n=1)",), OF_MAPS),
    "adapt": (("stream(of=digits(n=40), batch=20)",), OF_LABELS),
    "functions": (("bumps(n=1)",), ("none", "gaussian(sigma=0.05)", "outliers(share=0.1)")),
    "generate": (
        ("gaussian_digits", "noised(of=gaussian_digits)"), ("none", "outliers(share=0.1)", "spread(factor=0.5)")
    ),
    "graph": (
        ("erdos_renyi(n=1)", "nonlinear(n=1)"),
        (
            "equal(sigma=1)", "gumbel(sigma=1)", "hetero(low=0.5, high=2)", "laplace(sigma=1)",
            "equal(sigma=1) + outliers(share=0.1, scale=5)", "equal(sigma=1) + standardised",
            "equal(sigma=1) + bootstrap",
        ),
    ),
    "matrix": (
        ("entries", "gaussian_rectangular"),
        ("none", "fewer(m=20)", "gaussian(sigma=0.1)", "outliers(share=0.1, scale=2)"),
    ),
    "audio": (
        ("voices(n=1)", "instruments(n=1)"),
        (
            "none", "white(snr=10)", "coloured(snr=10)", "mix(snr=5)", "reverb(rt60=0.3)", "clip(at=0.3)", "compressor",
            "lowpass(cutoff=2000)", "overdrive(drive=10)", "recorded(snr=5, of=voices(seed=3))",
        ),
    ),
    "text": (("word_chain(n=1)",), ("none", "typos(rate=0.2)")),
}  # fmt: skip
"""By track, items of which datasets are posed under which regimes."""

_OF_RESTORE = {"negseq", "real"}
NOT_POSED = {
    "classify": {*_OF_RESTORE, "adversarial", "auto_attack"}, "segment": {*_OF_RESTORE, "downsample"},
    "adapt": _OF_RESTORE, "graph": {"none"},
}  # fmt: skip
"""Regimes of noise that is in pictures of `restore` alone, of another size than maps, and of measured samples, and what
attacks the method that is scored."""


def hashed(*lines: str) -> str:
    """16 digits of a SHA-256."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def hashes() -> Iterator[tuple[str, str]]:
    """Of each dataset the items, and of each regime the input of one item at seed 0."""
    for name, specs in DATASETS.items():
        track = get_track(name)
        for spec in specs:
            dataset = nb.open_dataset(bind(spec, "dataset", name))
            items = [dataset.load(index) for index in range(min(ITEMS, len(dataset.ids)))]
            yield f"{name}: {spec}", hashed(*(identified(track, item) for item in items))
    for name, (sets, regimes) in REGIMES.items():
        track = get_track(name)
        for spec in sets:
            item = nb.open_dataset(bind(spec, "dataset", name)).load(0)
            for regime in regimes:
                if regime == "real" and item.noisy is None:
                    continue
                posed = case_of(track, bind(regime, "regime", name), item, 0)
                yield f"{name}: {spec} under {regime}", hashed(posed.input_sha256)


@cache
def golden() -> dict[str, str]:
    """What is committed."""
    found: dict[str, str] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return found


def others(found: dict[str, str]) -> list[str]:
    """What has another hash than the committed one, or is on one side alone."""
    return sorted(name for name in {*found, *golden()} if found.get(name) != golden().get(name))


if __name__ == "__main__":
    text = json.dumps(dict(hashes()), indent=1) + "\n"
    print(text) if "--print" in sys.argv else GOLDEN.write_text(text, encoding="utf-8")
