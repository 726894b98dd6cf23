"""What a board shows as best: more, less, a number, or nothing; of cells from before too, and in no key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from board_records import record
from msgspec import structs
from noisebench.boards.build import boards
from noisebench.boards.rows import columns_of
from noisebench.components.fingerprint import source_in
from noisebench.components.registry import bind
from noisebench.planning.plan import metric_part
from noisebench.report.tables import metric_title
from noisebench.store.cell import MetricPart
from noisebench.store.record import Record


def scored(track: str, **parts: MetricPart) -> Record:
    one = record("a", {})
    return replace(one, cell=structs.replace(one.cell, track=track, metrics=dict(parts)))


def titles(track: str, name: str, part: MetricPart) -> str:
    (column,) = columns_of([scored(track, **{name: part})])
    return metric_title(column)


@pytest.mark.parametrize(
    ("track", "spec", "title"),
    [
        ("adapt", "doubted", "doubted ↑"),
        ("adapt", "doubted(of=unknown)", "doubted(of=unknown) ↑"),
        ("adapt", "doubted(of=right)", "doubted(of=right) ↓"),
        ("generate", "brightness_spread", "brightness_spread → 1"),
        ("generate", "nearest", "nearest → 1"),
        ("generate", "brightness", "brightness"),
        ("generate", "kid", "kid ↓"),
        ("restore", "psnr", "psnr (dB) ↑"),
    ],
)
def test_a_column_points_to_what_is_best_in_new_and_in_stored_cells(track: str, spec: str, title: str) -> None:
    metric = bind(spec, "metric", track)
    part = metric_part(metric)
    before = MetricPart(version=part.version, higher=bool(metric.entry.meta["higher"]), unit=part.unit)
    assert [titles(track, spec, one) for one in (part, before)] == [title, title]


def test_what_is_best_is_in_no_key() -> None:
    code = b'@nb.metric("half"%s)\ndef half(pair):\n    return 0.5\n'
    keys = {source_in(code % more, "", 0).sha256 for more in (b"", b', goal="1"', b", goal=lambda one: 'higher'")}
    assert len(keys) == 1


def test_a_metric_of_which_neither_side_is_better_ranks_nothing() -> None:
    part = MetricPart(version=1, higher=True, unit="", goal="1")
    found = [record(name, {"ssim": [0.5, 1.5]}, rank_by="ssim") for name in "ab"]
    (board,) = boards([replace(r, cell=structs.replace(r.cell, metrics={"ssim": part})) for r in found])
    assert board.rank_by is None and [row.ranks for row in board.rows] == [None, None]
    assert any("ranked by ssim" in note and note.endswith(": name another rank_by") for note in board.notes)
