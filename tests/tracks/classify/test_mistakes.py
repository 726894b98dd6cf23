"""What classifiers got wrong: what a cell keeps of it, how it is read again, and the panel of a report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from board_records import record
from noisebench import UsageError, bind, get_track, open_dataset
from noisebench.boards.build import boards
from noisebench.engine.messages import Job
from noisebench.engine.scoring import Scoring, score_items
from noisebench.report.plots.drawing import Plot, styled
from noisebench.report.plots.mistakes import mistake_panels, most_wrong
from noisebench.report.plots.sheets import HOUSE, Sheet
from noisebench.report.write import write_report
from noisebench.store.cell import DatasetPart
from noisebench.store.cells import cell_dir
from noisebench.store.export import export_text, read_export
from noisebench.store.keys import combined
from noisebench.store.mistakes import PICTURED, read_mistakes
from noisebench.store.reading import read_records
from noisebench.store.record import Mistake, Record
from stored_cells import job_of, planned_cell_of

TRACK = get_track("classify")
HOSTILE = "</script><script>alert(1)</script> $x_1$ \\input{a} |\n![](http://a.b)"
SAME = """
import noisebench as nb
import numpy as np

@nb.method("first", track="classify", layout="hwc", blind=True)
def first(picture, info):
    return np.log(np.array([0.91] + [0.01] * 9, np.float32))
"""
DATA = ["--track", "classify", "--datasets", "digits(n=24)", "--regimes", "gaussian(sigma=40)", "--plugin", "first.py"]


def png(seed: int, size: int = 8) -> bytes:
    picture = np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)
    return bytes(cv2.imencode(".png", picture)[1].tobytes())


# What a cell keeps


def test_a_cell_keeps_what_it_got_wrong_and_pictures_of_the_first(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(SAME)
    cli("run", *DATA, "--methods", "first", "oracle", "--keep", "sample")
    cli("run", *DATA, "--methods", "first", "--store", "bare")
    (bare,) = read_records(tmp_path / "bare")
    found = {r.cell.method.name: r for r in read_records(tmp_path / "nb-store")}
    assert bare.mistakes is None and found["oracle"].mistakes == ()
    one, mistakes = found["first"], found["first"].mistakes
    assert mistakes is not None
    assert [m.item for m in mistakes] == [i for i, a in zip(one.items, one.scores["accuracy"], strict=True) if not a]
    assert len(mistakes) > PICTURED and {m.answer for m in mistakes} == {"0"}
    assert all(abs((m.likely or 0) - 0.91) < 1e-6 for m in mistakes)
    data = open_dataset(bind("digits", "dataset", "classify"))
    items = {item.id: item for item in map(data.load, range(24))}
    assert [m.truth for m in mistakes] == [str(items[m.item].label) for m in mistakes]
    assert [m.picture is not None for m in mistakes] == [n < PICTURED for n in range(len(mistakes))]
    given = TRACK.pose(bind("gaussian(sigma=40)", "regime", "classify"), items[mistakes[2].item], 0).given
    shown = cv2.imdecode(np.frombuffer(mistakes[2].picture or b"", np.uint8), cv2.IMREAD_UNCHANGED)
    assert shown.shape == (8, 8) and (shown == np.rint(np.clip(given[:, :, 0], 0, 1) * 255)).all()

    cli("report", "nb-store", "--to", "board")
    cli("export", "nb-store", "--to", "all.json")
    cli("export", "all.json", "--to", "without.json", "--no-pictures")
    cli("report", "all.json", "--to", "again")
    name = "mistakes-01-digits-n-24-gaussian-sigma-40.png"
    assert (tmp_path / "board/plots" / name).read_bytes() == (tmp_path / "again/plots" / name).read_bytes()
    cli("report", "without.json", "--to", "again")
    assert not (tmp_path / "again/plots" / name).exists()  # and the plot of before is not left there
    assert all(r.mistakes is None for r in read_records(tmp_path / "without.json"))
    assert one.seal and [r.seal for r in read_export(tmp_path / "all.json")] == [
        r.seal for r in read_export(tmp_path / "without.json")
    ]

    cell_file = cell_dir(tmp_path / "nb-store", one.cell.key) / "mistakes.json"
    cell_file.unlink()  # as in a store of before
    cli("store", "verify", "nb-store")
    cli("report", "nb-store", "--to", "board")
    assert not (tmp_path / "board/plots" / name).exists()


def job(store: Path, keep: str = "sample") -> Job:
    data = open_dataset(bind("digits", "dataset", "classify"))
    lines = [TRACK.identify(data.load(n)) for n in range(24)]
    dataset = DatasetPart(
        name="digits", spec="digits", display="digits", versions={}, fingerprint=combined(lines), items=24
    )
    return job_of(planned_cell_of("k", dataset=dataset), store=str(store), keep=keep)


def scored(store: Path, until: int = 24, keep: str = "sample") -> Path:
    """The folder of a cell of the first class alone, which ends before an item."""
    folder = store / "partial" / "k"
    folder.mkdir(parents=True, exist_ok=True)

    def made(posed: Iterator[Any]) -> Iterator[Any]:
        for coming in posed:
            one = coming.result()
            if one.index == until:
                return
            yield one, np.eye(10, dtype=np.float32)[0], 0.0

    with ThreadPoolExecutor(1) as ahead:
        scoring = Scoring(
            TRACK,
            open_dataset(bind("digits", "dataset", "classify")),
            bind("none", "regime", "classify"),
            bind("softmax", "protocol", "classify"),
            [bind("accuracy", "metric", "classify")],
            ahead,
        )
        try:
            score_items(job(store, keep), folder, lambda _: None, scoring, made, None)
        except KeyError:
            assert until < 24  # it was stopped: an item has no row
    return folder


def test_a_cell_that_was_stopped_keeps_the_same(tmp_path: Path) -> None:
    whole = (scored(tmp_path / "whole") / "mistakes.json").read_bytes()
    assert not (scored(tmp_path / "stopped", until=5) / "mistakes.json").exists()
    assert (scored(tmp_path / "stopped") / "mistakes.json").read_bytes() == whole
    assert sum(line[-1] is not None for line in json.loads(whole)) == PICTURED


def test_rows_that_say_nothing_of_mistakes_are_not_taken_for_right(tmp_path: Path) -> None:
    whole = (scored(tmp_path / "whole") / "mistakes.json").read_bytes()
    scored(tmp_path / "stopped", until=5, keep="none")
    assert (scored(tmp_path / "stopped") / "mistakes.json").read_bytes() == whole


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", '[["0", "a", "b", 0.5, null]]', "[[9, \"a\", \"b\", 0.5, null]]", '[[0, "a", "b", 2, null]]',
        '[[0, 1, "b", 0.5, null]]', '[[0, "a", "b", 0.5, "%%"]]', '[[0, "a", "b", 0.5]]', '[[0, "a", "b", NaN, null]]',
        '[[1, "a", "b", null, null], [0, "a", "b", null, null]]', '[[true, "a", "b", null, null]]',
    ],
)  # fmt: skip
def test_what_is_damaged_counts_as_not_known(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mistakes.json"
    file.write_text('[[1, "a", "b", null, null]]')
    assert read_mistakes(file, ["p", "q"]) == (Mistake("q", "a", "b"),)
    file.write_text(text)
    assert read_mistakes(file, ["p", "q"]) is None


def test_a_large_picture_is_kept_small_and_one_of_five_channels_not_at_all() -> None:
    from noisebench.tracks.classify.drawing import small_picture

    shown = cv2.imdecode(np.frombuffer(small_picture(np.full((50, 500, 3), 0.5, np.float32)), np.uint8), 1)
    assert shown.shape == (6, 64, 3) and set(np.unique(shown)) == {128}
    assert small_picture(np.zeros((8, 8, 5), np.float32)) is None


# Exports


def board(**wrong: Sequence[Mistake] | None) -> list[Record]:
    """Records of eight pictures by methods that have some wrong."""
    items = [f"p{k}" for k in range(8)]
    made = []
    for name, own in wrong.items():
        missed = {one.item for one in own or ()}
        one = record(name, {"accuracy": [float(i not in missed) for i in items]}, items=items, track="classify",
                     dataset="digits", regime="gaussian(sigma=25)", protocol="softmax", rank_by="accuracy")  # fmt: skip
        made.append(replace(one, mistakes=None if own is None else tuple(own)))
    return made


def missed(*places: int, said: str = "7", likely: float | None = 0.75, pictured: int = 8) -> list[Mistake]:
    return [Mistake(f"p{k}", str(k), said, likely, png(k) if n < pictured else None) for n, k in enumerate(places)]


def test_an_export_holds_mistakes_and_each_picture_once(tmp_path: Path) -> None:
    records = board(a=missed(0, 3, pictured=1), b=missed(0, 3), c=[], d=None)
    file = tmp_path / "all.json"
    file.write_text(export_text(records))
    found = {r.cell.method.name: r.mistakes for r in read_export(file)}
    assert found == {r.cell.method.name: r.mistakes for r in records}
    assert len(json.loads(file.read_text())["pictures"]) == 2
    assert file.read_text() == export_text(read_export(file))


@pytest.mark.parametrize("line", [[0, "a", "b", 0.5, 7], [0, "a", "b", 0.5, -1], [8, "a", "b", 0.5, None], "p0"])
def test_an_export_with_mistakes_that_are_none_is_refused(tmp_path: Path, line: Any) -> None:
    document = json.loads(export_text(board(a=missed(0))))
    document["cells"][0]["mistakes"] = [line]
    (tmp_path / "all.json").write_text(json.dumps(document))
    with pytest.raises(UsageError, match=r"cell number 1 is damaged \(") as caught:
        read_export(tmp_path / "all.json")
    assert "\n" not in str(caught.value)


# The panel


def texts(plot: Plot) -> list[str]:
    return [text.get_text() for text in plot.figure.axes[0].texts]


def drawn(records: Sequence[Record], sheet: Sheet = HOUSE) -> list[Plot]:
    with styled(sheet.text):
        return mistake_panels(boards(records), 8, [], sheet)


def test_what_most_methods_have_wrong_comes_first_and_ties_stand_in_order() -> None:
    (one,) = boards(board(a=missed(2, 5, 6), b=missed(1, 5), c=missed(0, 1, 5, pictured=0), d=None, e=[]))
    assert [m.item for m in most_wrong(one)] == ["p5", "p1", "p2", "p6"]  # of p0 nobody kept a picture
    plot = mistake_panels([one], 8, [], HOUSE)[0]
    assert texts(plot)[:8] == ["p5", "5", "p1", "1", "p2", "2", "p6", "6"]
    rows = texts(plot)[11:-1]
    assert rows == ["e", "0", *"✓✓✓✓", "b", "2", "7 (0.75)", "7 (0.75)", *"✓✓",
                    "a", "3", "7 (0.75)", "✓", "7 (0.75)", "7 (0.75)",
                    "c", "3", "7 (0.75)", "7 (0.75)", *"✓✓"]  # fmt: skip
    assert "probability" in plot.caption and "✓ is right" in plot.caption


def test_references_and_methods_that_kept_nothing_are_not_on_it() -> None:
    (plot,) = drawn([*board(mean=missed(0, 1), oracle=missed(0, 1)), *board(a=missed(3), d=None)])
    assert texts(plot)[0] == "p3" and not {"mean", "oracle", "d", "p0"} & set(texts(plot))
    assert drawn(board(mean=missed(0), d=None)) == []
    assert drawn(board(a=missed(0, pictured=0), b=[])) == []


def test_at_most_so_many_as_there_is_room_for_are_shown() -> None:
    records = board(a=missed(*range(8)))
    wide, narrow = (len(drawn(records, sheet)[0].figure.axes[0].images) for sheet in (HOUSE, Sheet(3.5, 8.8, 7.0)))
    assert wide == 8 and 2 <= narrow <= 4


def test_a_method_without_probabilities_has_its_answer_alone() -> None:
    (plot,) = drawn(board(a=missed(0, likely=None)))
    assert "7" in texts(plot) and "probability" not in plot.caption


def test_names_of_anyone_are_harmless_and_pictures_that_are_none_are_left_out(tmp_path: Path) -> None:
    bomb = png(0)[:16] + b"\0\1\0\0" * 2 + png(0)[24:]
    wrong = [
        *missed(1, said=HOSTILE, likely=1.0),
        replace(missed(2)[0], picture=bomb),
        replace(missed(3)[0], picture=b""),
    ]
    records = [replace(one, mistakes=tuple(wrong)) for one in board(a=missed(1, 2, 3))]
    assert len(drawn(records)[0].figure.axes[0].images) == 1
    write_report(records, tmp_path)
    page, text = ((tmp_path / f"leaderboard.{kind}").read_text() for kind in ("html", "md"))
    assert "mistakes-01-digits" in text and "alert(1)" not in page + text and "Pictures of digits · gaussian" in page
    torn = [replace(one, mistakes=(replace(missed(2)[0], picture=bomb),)) for one in board(a=missed(2))]
    assert drawn(torn) == []
