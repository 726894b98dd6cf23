"""Which packages there are: found, not listed. Everything else is in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

ROOTS = {
    "noisebench": "harness",
    "noisebench.methods": "methods",
    "noisebench.datasets": "datasets",
    "noisebench.recipes": "methods/recipes",
}

WEIGHTS = {"noisebench.weights": "results/weights"} if Path("results/weights").is_dir() else {}


def packages_of(root: str, folder: str) -> list[str]:
    """The package of a folder and those below it. `methods/recipes` is a package of its own name."""
    return [root, *(f"{root}.{name}" for name in find_packages(folder, exclude=["recipes", "recipes.*"]))]


setup(
    package_dir={**ROOTS, **WEIGHTS},
    packages=[*(name for root, folder in ROOTS.items() for name in packages_of(root, folder)), *WEIGHTS],
)
