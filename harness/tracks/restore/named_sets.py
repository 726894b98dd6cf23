"""Sets of pictures with a manifest, for `noisebench data`: which datasets are such, and the manifest of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...imaging.fetch import Progress, fetch
from ...imaging.manifest import ManifestSet, manifest_text, pictures_of


def has_manifest(dataset: Any) -> bool:
    """Whether a dataset is one whose files are pinned by a manifest."""
    return isinstance(dataset, ManifestSet)


def fetch_set(dataset: ManifestSet, progress: Progress | None = None) -> Path:
    """Download what is missing of a set, and return its folder. Raises `UsageError`."""
    return fetch(dataset, progress)


def manifest_of(folder: str, noisy: str | None) -> tuple[Path, list[dict[str, Any]], str]:
    """The folder that a manifest of these pictures is relative to, its rows and its text. Raises `UsageError`."""
    root, pictures = pictures_of(folder, noisy)
    return root, [vars(picture) for picture in pictures], manifest_text(pictures)
