"""What counts as one in tests and intervals: equal pictures, declared groups; and what is seen to overlap."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from board_records import record, sealed
from conftest import Run
from messages import missing_from
from msgspec import structs
from noisebench.boards.board import Board
from noisebench.boards.build import boards
from noisebench.boards.order_stability import evidence
from noisebench.boards.signature import explain_signature
from noisebench.boards.units import Units, units_of
from noisebench.comparing.comparison import compare
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.gate.check import check
from noisebench.imaging.manifest import manifest_text, read_manifest
from noisebench.planning.dataset_part import dataset_part
from noisebench.report.data import report_data
from noisebench.report.summary import summary
from noisebench.report.tables import facts
from noisebench.store.export import export_text, read_export
from noisebench.store.record import Record
from noisebench.tracks.pictures.alike import alike, sketch

N = 12
A = [30.0 + 0.1 * i for i in range(N)]
B = [value - 1 - 0.05 * i for i, value in enumerate(A)]


def equal(one: Record, first: int) -> Record:
    """The record of a set whose first pictures are all the same one."""
    return replace(one, input_sha256=[one.input_sha256[0]] * first + one.input_sha256[first:])


def said(one: Record, **fields: Any) -> Record:
    """The record with more said of its dataset."""
    return replace(one, cell=structs.replace(one.cell, dataset=structs.replace(one.cell.dataset, **fields)))


def psnr(method: str, values: Sequence[float], **more: Any) -> Record:
    return record(method, {"psnr": values}, **more)


def board_of(*records: Record) -> Board:
    (board,) = boards(records)
    return board


def ranks(board: Board) -> Mapping[str, Any]:
    return {row.label: row.ranks for row in board.rows}


def test_ten_copies_of_one_picture_are_one_picture_to_the_tests() -> None:
    apart = board_of(psnr("good", A), psnr("bad", B))
    copied = board_of(equal(psnr("good", A), 10), equal(psnr("bad", B), 10))
    assert ranks(apart) == {"good": (1, 1), "bad": (2, 2)}
    assert ranks(copied) == {"good": (1, 2), "bad": (1, 2)}
    assert not missing_from(copied.undecided, "its 2 methods", "3 distinct pictures", "needs 6")


def test_the_board_says_how_many_pictures_are_distinct() -> None:
    board = board_of(equal(psnr("good", A), 10), equal(psnr("bad", B), 10))
    assert "12 pictures, 3 of them distinct" in facts(board)
    assert any(note.startswith("equal pictures count once") and "(n = 3)" in note for note in board.notes)
    assert json.loads("".join(summary(report_data([psnr("good", A)], ""))))["boards"][0]["units"] == 12


def test_the_mean_is_over_what_the_tests_count() -> None:
    good, bad = equal(psnr("good", A), 10), equal(psnr("bad", B), 10)
    board = board_of(good, bad)
    expected = np.mean([np.mean(A[:10]), A[10], A[11]])
    assert board.rows[0].scores["psnr"].mean == pytest.approx(expected)
    assert board.rows[1].difference == pytest.approx(np.mean([np.mean(B[:10]), B[10], B[11]]) - expected)


def test_evidence_counts_units() -> None:
    (one,) = evidence([board_of(equal(psnr("good", A), 10), equal(psnr("bad", B), 10))])
    assert one is not None
    assert (one.items, one.counts(0, 1)) == (3, (3, 0, 0))


def test_each_picture_is_still_shown_by_itself() -> None:
    score = board_of(equal(psnr("good", A), 10)).rows[0].scores["psnr"]
    assert score.by_item.tolist() == A and len(score.values) == 3


def test_pictures_of_a_declared_group_count_as_one() -> None:
    groups = {"night": ["p000", "p001", "p002"], "day": [f"p{i:03d}" for i in range(3, N)]}
    board = board_of(*(said(psnr(m, v), groups=groups) for m, v in (("good", A), ("bad", B))))
    assert "12 pictures in 2 groups" in facts(board)
    assert ranks(board) == {"good": (1, 2), "bad": (1, 2)}
    assert re.search(r"with 2 groups of pictures.* about \d+ groups of pictures", board.undecided)
    assert board.rows[0].scores["psnr"].mean == pytest.approx((np.mean(A[:3]) + np.mean(A[3:])) / 2)


def test_equal_truths_count_as_one_though_their_inputs_differ() -> None:
    same = [[f"p{i:03d}" for i in range(10)]]
    assert board_of(said(psnr("good", A), same=same)).units.count == 3


def test_a_group_and_an_equal_input_join_into_one_unit() -> None:
    one = said(psnr("good", A[:3]), groups={"a": ["p000", "p001"], "b": ["p002"]})
    one = replace(one, input_sha256=["x", "y", "y"])
    assert units_of([one], [range(3)]) == Units((0, 0, 0), grouped=True)


def test_comparisons_average_equal_pictures_before_they_test() -> None:
    good, bad = equal(psnr("nlm", A), 10), equal(psnr("nlm", B), 10)
    (one,) = compare([good], [bad]).differences
    assert len(one.a) == 3 and one.interval is None and one.p == 1
    assert one.difference == pytest.approx(np.mean([np.mean(B[:10]) - np.mean(A[:10]), B[10] - A[10], B[11] - A[11]]))
    assert "12 pictures, 3 of them distinct" in one.note


def test_the_gate_does_not_let_copies_outvote_another_picture() -> None:
    before, after = [30.0] * N, [30.01] * 11 + [29.85]
    limit = 0.02
    assert np.mean(before) - np.mean(after) < limit / 2
    sides = [equal(psnr("nlm", values), 11) for values in (before, after)]
    (found,) = check(*([sealed(one)] for one in sides)).findings
    assert found.status == "regression" and found.change == pytest.approx((0.01 - 0.15) / 2)


def test_exports_keep_groups_and_those_without_any_are_read(tmp_path: Path) -> None:
    one = said(psnr("good", A), groups={"a": ["p000", "p001"]})
    (tmp_path / "x.json").write_text(export_text([one, psnr("bad", B)]))
    back = {r.cell.method.name: r.cell.dataset.groups for r in read_export(tmp_path / "x.json")}
    assert back == {"good": {"a": ["p000", "p001"]}, "bad": {}}


def test_boards_of_two_limits_have_two_headings() -> None:
    few, whole = said(psnr("good", A[:6]), total=12, fingerprint="few"), said(psnr("good", A), total=12)
    titles = {board.title for board in boards([few, whole])}
    assert titles == {"photos (first 6 of 12) · gaussian(sigma=25)", "photos · gaussian(sigma=25)"}


# ------------------------------------------------------------------------------------- where groups come from


def pictures(folder: Path, names: Sequence[str], size: int = 24) -> None:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(number)
        nb.write_picture(folder / name, rng.integers(0, 256, (size, size), dtype=np.uint8))


def stored(spec: str) -> Any:
    return dataset_part(bind(spec, "dataset", "restore"), None, get_track("restore"))


def test_a_folder_finds_groups_in_its_names(tmp_path: Path) -> None:
    pictures(tmp_path, ["a/1.png", "a/2.png", "b/1.png"])
    found = stored(f"folder(path={str(tmp_path)!r}, pattern='**/*.png', group='^[^/]+')")
    assert found.groups == {"a": ["a/1", "a/2"], "b": ["b/1"]}


def test_declaring_groups_is_another_dataset_to_the_store(tmp_path: Path) -> None:
    pictures(tmp_path, ["a_1.png", "a_2.png"])
    plain, grouped = (stored(f"folder(path={str(tmp_path)!r}{more})") for more in ("", ", group='^[^_]+'"))
    assert not plain.groups and plain.fingerprint != grouped.fingerprint


@pytest.mark.parametrize(("group", "why"), [("[", "is no regular expression"), ("^x", "finds nothing in 'a_1'")])
def test_a_group_that_does_not_fit_the_names_is_refused(tmp_path: Path, group: str, why: str) -> None:
    pictures(tmp_path, ["a_1.png"])
    with pytest.raises(nb.UsageError, match=why):
        stored(f"folder(path={str(tmp_path)!r}, group={group!r})")


def test_pairs_find_groups_too(tmp_path: Path) -> None:
    pictures(tmp_path / "clean", ["a_1.png", "a_2.png"])
    pictures(tmp_path / "noisy", ["a_1.png", "a_2.png"])
    spec = f"pairs(clean={str(tmp_path / 'clean')!r}, noisy={str(tmp_path / 'noisy')!r}, group='^[^_]+')"
    assert stored(spec).groups == {"a": ["a_1", "a_2"]}


def test_a_manifest_may_say_groups(tmp_path: Path) -> None:
    from noisebench.imaging.manifest import pictures_of

    pictures(tmp_path / "set", ["1.png", "2.png"])
    _, rows = pictures_of(str(tmp_path / "set"))
    head, *lines = manifest_text(rows).splitlines()
    file = tmp_path / "set.csv"
    file.write_text("\n".join([f"{head},group", *(f"{line},night" for line in lines)]) + "\n")
    assert [row.group for row in read_manifest(file)] == ["night", "night"]
    made = nb.ManifestSet("set", file, folder="set", fixed=tmp_path / "set")
    assert made.load(0).group == "night"


def test_a_run_stores_groups_and_its_board_counts_them(cli: Run, tmp_path: Path) -> None:
    pictures(tmp_path / "set", ["a_1.png", "a_2.png", "b_1.png"])
    cli("run", "--methods", "identity", "--datasets", "folder(path='set', group='^[^_]+')", "--regimes",
        "gaussian(sigma=25)", "--metrics", "psnr", "--store", "st")  # fmt: skip
    assert "3 pictures in 2 groups" in cli("report", "st", "--to", "board").stdout


# -------------------------------------------------------------------------------------- what is seen to overlap


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """256 × 256 × 3."""
    folder = Path(__file__).resolve().parents[2] / "datasets/restore/pictures"
    picture: np.ndarray = nb.read_picture(folder / "astronaut.webp")
    return picture


def test_crops_that_share_an_area_are_seen_wherever_it_lies(scene: np.ndarray) -> None:
    parts = [scene[:170], scene[60:, 37:], np.random.default_rng(0).integers(0, 256, (170, 256, 3), dtype=np.uint8)]
    assert alike([sketch(part) for part in parts]) == ([], [(0, 1)])


def test_overlap_is_seen_through_noise_of_a_camera(scene: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    frames = [np.clip(part + rng.normal(0, 3, part.shape), 0, 255).astype(np.uint8) for part in (scene, scene[3:, 5:])]
    assert alike([sketch(frame) for frame in frames])[1] == [(0, 1)]


def test_equal_pictures_are_named_as_equal(scene: np.ndarray) -> None:
    same, _ = alike([sketch(scene), sketch(scene[:100]), sketch(scene.copy())])
    assert same == [[0, 2]]


def test_pictures_of_different_things_do_not_overlap() -> None:
    assert not stored("photos").overlaps and not stored("photos").same
    assert not stored("piecewise(n=6)").overlaps


def test_a_board_flags_pictures_that_overlap(cli: Run, tmp_path: Path, scene: np.ndarray) -> None:
    (tmp_path / "set").mkdir()
    for name, part in (("left", scene[:, :170]), ("right", scene[:, 60:]), ("copy", scene[:, :170])):
        nb.write_picture(tmp_path / "set" / f"{name}.png", np.ascontiguousarray(part))
    cli("run", "--methods", "identity", "--datasets", "folder(path='set')", "--regimes", "gaussian(sigma=25)",
        "--metrics", "psnr", "--store", "st")  # fmt: skip
    out = cli("report", "st", "--to", "board").stdout
    assert "3 pictures, 2 of them distinct" in out
    assert not missing_from(out, "parts of one another", "(copy and right)")


def test_a_signature_has_the_grouping_and_not_its_names() -> None:
    def field(groups: dict[str, list[str]]) -> str:
        board = board_of(*(said(psnr(m, v), groups=groups) for m, v in (("good", A), ("bad", B))))
        explain_signature(board.signatures["psnr"])
        return board.signatures["psnr"].split("|")[3]

    items = [f"p{i:03}" for i in range(len(A))]
    plain, pairs = field({}), field({"a": items[:2]})
    assert "groups" not in plain and pairs.startswith(plain + "/groups ")
    assert field({"b": items[:2]}) == pairs != field({"a": items[1:3]})
