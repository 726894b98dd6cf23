"""Pages of tracks and of training run as they stand, as `test_guides.py` runs the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from guides import OF_TRACKS, follow


@pytest.mark.parametrize("page", sorted(OF_TRACKS))
def test_every_block_of_a_page_runs_as_written(page: str, tmp_path: Path) -> None:
    follow(page, tmp_path)
