"""Which packages there are: found, not listed. Everything else is in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

ROOTS = {
    "noisebench": "harness",
    "noisebench.methods": "methods",
    "noisebench.datasets": "datasets",
    "noisebench.recipes": "recipes",
}

WEIGHTS = {"noisebench.weights": "results/weights"} if Path("results/weights").is_dir() else {}

setup(
    package_dir={**ROOTS, **WEIGHTS},
    packages=[
        *(name for root, folder in ROOTS.items() for name in (root, *(f"{root}.{p}" for p in find_packages(folder)))),
        *WEIGHTS,
    ],
)
