"""What of a large comparison is shown: what moved, largest first, so many a section, and how many others there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from board_records import METRICS, cost_record, record
from messages import missing_by_line, missing_from
from noisebench.cli import main
from noisebench.comparing.comparison import Comparison, compare
from noisebench.comparing.selection import WHOLE, selected
from noisebench.report.comparison import comparison_latex, comparison_markdown
from noisebench.report.comparison_files import comparison_csv
from noisebench.store.export import export_text
from noisebench.store.record import Record

N = 40


def side(shift: float = 0.0, n: int = N, items: int = 3) -> list[Record]:
    """`n` methods; B is better than A by `shift` × the number of the method."""
    return [record(f"m{i}", {"psnr": [30.0 + shift * i] * items}) for i in range(n)]


def large(shift: float, items: int = 3) -> Comparison:
    return compare(side(items=items), side(shift, items=items))


def test_a_small_comparison_is_shown_whole_in_the_order_of_its_cells() -> None:
    found = compare(side(n=WHOLE), side(0.1, n=WHOLE))
    chosen = selected(found, 20)
    assert (chosen.shown, chosen.rest) == (found, ())


def test_of_a_large_one_the_largest_changes_are_shown_and_the_others_counted() -> None:
    chosen = selected(large(0.01), 20)
    assert [d.method for d in chosen.shown.differences] == [f"m{i}" for i in range(39, 19, -1)]
    # m0 to m2 move by at most 0.02 dB, which a check lets pass, and 3 pictures are too few for a test.
    assert not missing_by_line(chosen.rest, ["17 more differences of psnr", ", 3 that did not"])


def test_losses_count_as_gains_do_and_equal_changes_stand_by_name() -> None:
    b = [*side(0.01)[:39], record("m39", {"psnr": [20.0] * 3})]
    first, *_ = selected(compare(side(), b), 20).shown.differences
    assert (first.method, first.difference) == ("m39", -10.0)
    alike = selected(compare(side(), [record(f"m{i}", {"psnr": [31.0] * 3}) for i in range(N)]), 12).shown
    assert [d.method for d in alike.differences] == [f"m{i}" for i in range(12)]


def test_what_did_not_move_is_counted_alone() -> None:
    chosen = selected(large(0.0), 20)
    assert not chosen.shown.differences
    assert not missing_by_line(chosen.rest, ["40 differences of psnr", "did not move"])


def test_a_change_within_the_limit_has_moved_where_the_test_tells_it_apart() -> None:
    a, b = [[30.0 + i + shift for i in range(8)] for shift in (0.0, 0.01)]
    told, equal = (compare([record("m", {"psnr": a})], [record("m", {"psnr": y})]).differences[0] for y in (b, a))
    assert (told.moved, told.limit, round(told.difference, 6)) == (True, 0.02, 0.01)
    assert not equal.moved


def test_a_metric_without_limit_and_test_has_moved_where_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert METRICS["mse"]["gate"] == {}
    pairs = [(0.5, 0.5), (0.5, 0.5000001)]
    found = [compare([record("m", {"mse": [x]})], [record("m", {"mse": [y]})]).differences[0] for x, y in pairs]
    assert [d.moved for d in found] == [False, True]


def test_each_metric_has_its_own_largest_changes() -> None:
    def both(shift: float) -> list[Record]:
        return [record(f"m{i}", {"psnr": [30 + shift * i], "ssim": [0.5 + shift * i / 100]}) for i in range(N)]

    shown = selected(compare(both(0), both(0.5)), 3).shown.differences
    assert [(d.metric, d.method) for d in shown] == [(m, f"m{i}") for m in ("psnr", "ssim") for i in (39, 38, 37)]


def test_cells_of_a_method_that_lack_a_partner_for_one_reason_are_one_line() -> None:
    here = [record("m", {"psnr": [1.0]}, regime=f"gaussian(sigma={i})") for i in range(1, 31)]
    chosen = selected(compare([*here, record("gone", {"psnr": [1.0]})], [record("other", {"psnr": [1.0]})]), 20)
    lines = [(u.side, u.method, u.where) for u in chosen.shown.unmatched]
    assert len(lines) == 3
    assert ("A", "m", "photos · gaussian(sigma=1) · uint8 · seed 0 and 29 more cells") in lines


def test_speeds_that_changed_most_are_kept() -> None:
    costs = [[cost_record(f"m{i}", p50=10.0 + shift * i) for i in range(30)] for shift in (0.0, 1.0)]
    chosen = selected(compare(*costs), 2)
    assert [s.method for s in chosen.shown.speeds] == ["m29", "m28"]
    assert not missing_by_line(chosen.rest, ["28 more speeds", "changed less"])


def test_markdown_and_latex_are_cut_and_say_so_and_csv_has_all() -> None:
    found = compare(side(n=200), side(0.1, n=200))
    # 50 rows, and the two heads of columns that begin with an m.
    text, tex = comparison_markdown(found), comparison_latex(found)
    assert text.count("| m") == 52 and not missing_from(text, "149 more differences of psnr", ", 1 that did not")
    assert "come first. comparison.csv and comparison.json have all." in text
    assert 50 <= tex.count("\\\\") < 60 and "149 more differences" in tex
    assert "".join(comparison_csv(found)).count("\nmatched,") == 200


def test_the_terminal_shows_a_page_and_points_to_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, shift in (("a.json", 0.0), ("b.json", 0.1)):
        Path(name).write_text(export_text(side(shift, n=300)))
    assert main(["compare", "a.json", "b.json"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) < 40 and "\nm299 " in out and "\nm279 " not in out
    assert not missing_from(out, "279 more differences of psnr", ", 1 that did not\n--json or --to DIR ")


def test_a_narrow_terminal_cuts_no_interval_and_names_the_columns_without_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    program = "command(argv='python denoise.py {input_file} {output_file}', format=png)"
    for name, shift in (("a.json", 0.0), ("b.json", -0.5)):
        Path(name).write_text(export_text([record(program, {"psnr": [30 + shift + n / 9 for n in range(8)]})]))
    assert main(["compare", "a.json", "b.json"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert not missing_from(out, "−0.500 [−0.500, −0.500]", "no room for ", "p (all rows)", "worse in 1 ", "of 1 row\n")
