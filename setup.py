"""Which packages there are: found, not listed. Everything else is in pyproject.toml."""

from setuptools import find_packages, setup

ROOTS = {
    "noisebench": "harness",
    "noisebench.methods": "methods",
    "noisebench.datasets": "datasets",
    "noisebench.recipes": "recipes",
}

setup(
    package_dir=ROOTS,
    packages=[
        name for root, folder in ROOTS.items() for name in (root, *(f"{root}.{p}" for p in find_packages(folder)))
    ],
)
