"""What a notebook shows: results, stores, boards, what a method is told; and the example notebook, executed."""

from __future__ import annotations

import base64
import csv
import html
import io
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import nbformat
import noisebench as nb
import numpy as np
import pandas
import pytest
from board_records import cost_record, record, sha
from conftest import ROOT, Run
from example_notebook import EXAMPLE, executed_notebook
from msgspec import structs
from noisebench.boards.build import boards
from noisebench.report.data import report_data
from noisebench.report.leaderboard import leaderboard_csv
from noisebench.report.tables import board_table
from noisebench.statistics.paired_tests import mean_differences
from noisebench.store.cells import open_store
from noisebench.store.export import export_text
from noisebench.store.record import Record
from stored_cells import edit, made, put, with_cell

SCRIPT = "<script>alert(1)</script>"
SCORES = [27.5, 30.25, 24.0, 31.0, 29.5, 33.75, 28.0]
INFINITE = math.inf


def shown(text: str) -> str:
    """What a reader sees of HTML: its text, a space for each tag."""
    return re.sub(" +", " ", html.unescape(re.sub("<[^>]*>", " ", text)))


def result_of(**options: Any) -> nb.Result:
    return nb.Result(record(**options))


def picture(png: bytes) -> Any:
    """The pixels of a PNG, which has to hold more than one colour."""
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None and pixels.std() > 5
    return pixels


# --- a result ----------------------------------------------------------------------------------------------


def test_a_result_is_the_row_of_a_run_with_its_mean_its_inputs_and_its_signature(cli: Run, tmp_path: Path) -> None:
    cli("run", "--methods", "gaussian_filter", "--datasets", "photos", "--regimes", "gaussian(sigma=25)",
        "--limit", "3", "--seed", "4", "--store", "s")  # fmt: skip
    (board,) = nb.read_results(tmp_path / "s").boards
    result = nb.evaluate("gaussian_filter", limit=3, seed=4)
    (row,) = board.board.rows
    assert [result.psnr, result.ssim] == [row.scores["psnr"].mean, row.scores["ssim"].mean]
    assert [result.signature("psnr"), result.signature("ssim")] == list(board.board.signatures.values())
    assert (result.board.inputs, result.board.fingerprint) == (board.board.inputs, board.board.fingerprint)


def test_a_result_says_what_it_is_of() -> None:
    found = nb.evaluate("spline", "bumps(n=2)", track="functions", seed=3)
    assert (found.track, found.method, found.dataset) == ("functions", "spline", "bumps(n=2)")
    assert (found.regime, found.protocol, found.seed) == ("gaussian(sigma=0.05)", "held_out", 3)


def test_the_interval_is_the_bootstrap_t_of_the_mean_of_what_the_mean_is_over() -> None:
    result = result_of(scores={"psnr": [*SCORES, INFINITE], "ssim": [0.5] * 8})
    (due,) = mean_differences([np.array([SCORES])], result.signature("psnr"))
    assert result.interval("psnr") == tuple(due.interval[0]) and result.psnr == np.mean(SCORES)
    low, high = result.interval("psnr") or (0, 0)
    assert 24 < low < result.psnr < high < 33.75
    assert result.interval("ssim") == (0.5, 0.5), "a constant score is known exactly"


def test_an_interval_moves_with_the_scores_and_is_narrower_for_more_items() -> None:
    few, more = result_of(scores={"psnr": SCORES}), result_of(scores={"psnr": SCORES * 6})
    higher = result_of(scores={"psnr": [value + 1 for value in SCORES]})
    (low, high), (moved_low, moved_high) = few.interval("psnr") or (0, 0), higher.interval("psnr") or (0, 0)
    assert (moved_low, moved_high) == (pytest.approx(low + 1), pytest.approx(high + 1))
    narrow = more.interval("psnr") or (0, 0)
    assert narrow[1] - narrow[0] < (high - low) / 2


@pytest.mark.parametrize(
    "scores", [SCORES[:5], [*SCORES, math.nan], [*SCORES, -INFINITE], [INFINITE] * 7], ids=str
)  # fmt: skip
def test_there_is_no_interval_below_6_items_nor_of_what_has_no_finite_mean(scores: list[float]) -> None:
    assert result_of(scores={"psnr": scores}).interval("psnr") is None


def test_equal_items_count_once_as_on_a_board() -> None:
    one = record(scores={"psnr": [20.0, 20.0, 29.0]})
    one = with_cell(one, dataset=structs.replace(one.cell.dataset, same=[["p000", "p001"]]))
    result = nb.Result(one)
    assert result.psnr == boards([one])[0].rows[0].scores["psnr"].mean == 24.5
    assert "3 pictures, 2 of them distinct" in shown(result._repr_html_())


def test_html_and_text_of_a_result_hold_means_intervals_counts_and_signatures() -> None:
    result = result_of(scores={"psnr": [*SCORES, INFINITE], "ssim": [0.25, 0.75] * 4})
    low, high = result.interval("psnr") or (0, 0)
    for text in (shown(result._repr_html_()), re.sub(" +", " ", str(result))):
        assert f"psnr (dB) ↑ 29.14 [{low:.2f}, {high:.2f}] 7" in text
        assert "ssim ↑ 0.5000 [" in text
        assert "protocol uint8@1 · seed 0 · 8 pictures" in text
        assert "psnr: 1 of 8 identical, in no mean" in text
        assert f"psnr|uint8@1|gaussian(sigma=25)@1|photos:{sha('photos')[:12]}|seed 0|noisebench 0.1.0" in text
    assert repr(result) == "Result(nlm · photos · gaussian(sigma=25): psnr 29.14 dB, ssim 0.5000)"


def test_a_result_says_which_score_is_not_defined_and_why() -> None:
    result = nb.evaluate("identity", "gaussian_field(n=2, size=8)", limit=1)
    assert math.isnan(result.ssim)
    text = shown(result._repr_html_())
    assert re.search(r"ssim ↑ n/d – – ", text)
    assert "ssim: not defined on 1 of 1 picture: ssim: " in text
    assert "no interval: it needs 6 pictures at least" in text


def test_a_set_metric_has_its_value_its_interval_and_its_signature() -> None:
    part = {"version": 1, "higher": False, "unit": "", "features": "f", "features_sha256": "a" * 64, "resize": "none",
            "reference": "clean", "value": 0.125, "error": 0.01, "interval": [0.0625, 0.25], "n": 7, "d": 4,
            "floor": None, "flags": ["small-n"], "note": ""}  # fmt: skip
    result = nb.Result(with_cell(record(scores={"psnr": SCORES}), sets={"kid": part}))
    assert (result.kid, result.interval("kid")) == (0.125, (0.0625, 0.25))
    assert result.signature("kid").startswith("kid|uint8@1|gaussian(sigma=25)@1|photos:")
    assert "kid 0.1250 ± 0.0100 [0.0625, 0.2500]" in shown(result._repr_html_())


@pytest.mark.parametrize("ask", ["mean", "interval", "signature", "plot"])
def test_a_metric_that_was_not_asked_for_is_refused_in_words(ask: str) -> None:
    with pytest.raises(nb.UsageError, match="no metric 'psrn' in this result: .*did you mean 'psnr'"):
        getattr(result_of(scores={"psnr": SCORES}), ask)("psrn")


def test_a_notebook_completes_the_metrics() -> None:
    result = result_of(scores={"psnr": SCORES})
    assert {"psnr", "plot", "interval"} <= set(dir(result))
    assert not hasattr(result, "_ipython_display_") and not hasattr(result, "mae")


def test_hostile_names_are_escaped_in_a_result_and_on_one_line_in_its_text() -> None:
    def evil(noisy: Any, info: Any) -> Any:
        return noisy

    evil.__name__ = f"{SCRIPT}\n\x1b[31m"
    result = nb.evaluate(evil, "gaussian_field(n=2, size=32)")
    assert "<script" not in result._repr_html_() and SCRIPT in shown(result._repr_html_())
    assert "\x1b" not in str(result) + repr(result) and "\n" not in repr(result)
    picture(result.plot()._repr_png_()[0])


# --- figures -----------------------------------------------------------------------------------------------


def test_the_figure_of_a_result_shows_each_item_from_the_worst_to_the_best() -> None:
    result = result_of(scores={"psnr": [*SCORES, INFINITE]}, items=[*"abcdefg", "exact"])
    (axes,) = result.plot().axes
    points = axes.lines[0]
    assert list(points.get_xdata()) == sorted(SCORES) and axes.yaxis_inverted()
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["c", "a", "g", "e", "b", "d", "f"]
    assert axes.get_xlabel() == (
        "PSNR (dB) of each picture\nline: mean 29.14; band: its 95 % interval; 1 without a finite score"
    )
    assert axes.get_title("left") == "nlm · photos · gaussian(sigma=25)"


def test_where_less_is_better_the_greatest_is_the_worst_and_words_are_those_of_the_track() -> None:
    scores = {"rmse": [0.1, 0.3, 0.2]}
    (axes,) = result_of(method="spline", scores=scores, track="functions", dataset="bumps", rank_by="rmse").plot().axes
    assert list(axes.lines[0].get_xdata()) == [0.3, 0.2, 0.1]
    assert axes.get_xlabel() == "RMSE of each function\nline: mean 0.2000"


def test_nothing_is_drawn_where_no_score_is_finite() -> None:
    with pytest.raises(nb.UsageError, match="^psnr .*no finite score"):
        result_of(scores={"psnr": [INFINITE] * 3}).plot()


def test_figures_need_no_pyplot_and_leave_settings_as_they_are() -> None:
    code = """
import sys, matplotlib, noisebench as nb
matplotlib.rcParams["font.size"] = 31
png, size = nb.evaluate("identity", "gaussian_field(n=2, size=32)").plot()._repr_png_()
print(matplotlib.rcParams["font.size"], matplotlib.rcParams["text.parse_math"], png[:4], size["width"])
print("matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "31.0 True b'\\x89PNG' 700\nFalse\n", done.stderr


def test_results_and_boards_are_imported_without_pandas_and_matplotlib() -> None:
    code = (
        "import sys, noisebench as nb; nb.Result, nb.read_results, nb.StoredResults, nb.Leaderboard;"
        "print([name for name in ('pandas', 'matplotlib', 'torch') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


# --- a store and its boards --------------------------------------------------------------------------------


def stored() -> list[Record]:
    """Two boards of three methods with a cost, one cell that failed, names that are markup."""
    rng = np.random.default_rng(7)
    difficulty = rng.normal(28, 3, 9)
    cells = [
        record(method, {"psnr": list(difficulty - drop - level / 10 + rng.normal(0, 0.1, 9)),
                "ssim": list(rng.uniform(0, 1, 9))},
               display=display, regime=f"gaussian(sigma={level})")
        for level in (15, 25)
        for method, display, drop in (("nlm", "nlm", 0.0), ("nlm", f"nlm(h={SCRIPT})", 0.01), ("identity", "", 5.0))
    ]  # fmt: skip
    return [*cells, cost_record("nlm"), made("breaks", outcome="failed", reason=f"RuntimeError: {SCRIPT}", pictures=9)]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("notebook") / "results.json"
    file.write_text(export_text(stored()))
    return file


def test_numbers_of_a_board_are_those_of_leaderboard_csv(export: Path) -> None:
    results = nb.read_results(export)
    lines = [line for line in csv.DictReader(io.StringIO("".join(leaderboard_csv(report_data(results.records, "")))))]
    found = [line for line in lines if line["outcome"] == "ok"]
    rows = [row for board in results.boards for row in board.frame.to_dict("records")]
    assert len(rows) == len(found) == 6
    columns = ("psnr", "ssim", "rank_low", "rank_high", "difference", "interval_low", "interval_high",
               "worst_5_percent", "latency_p50_ms", "params")  # fmt: skip
    for row, line in zip(rows, found, strict=True):
        assert row["method"] == line["method"] and row["flags"] == line["flags"]
        for name in columns:
            due = float(line[name]) if line[name] else math.nan
            assert float(row[name]) == pytest.approx(due, rel=1e-8, nan_ok=True), name


def test_a_board_shows_the_table_of_the_report_escaped(export: Path) -> None:
    for board in nb.read_results(export).boards:
        text, table = board._repr_html_(), board_table(board.board)
        assert "<script" not in text
        assert " ".join(" ".join(row) for row in table.rows).split() == shown(text[text.index("<tbody>"):]).split()[
            : sum(len(" ".join(row).split()) for row in table.rows)
        ]  # fmt: skip
        for signature in board.board.signatures.values():
            assert signature in shown(text)
    assert repr(board) == "Leaderboard(photos · gaussian(sigma=25): 3 methods)"


def test_the_figure_of_a_board_has_a_line_a_method_with_its_difference_and_interval(export: Path) -> None:
    board = nb.read_results(export).boards[0]
    figure = board.plot()
    (axes,) = figure.axes
    rows = board.board.ranked
    drawn = {float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "o"}
    assert drawn == {row.difference for row in rows}
    assert {tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2} >= {
        row.interval for row in rows if row.interval
    }
    assert [text.get_text() for text in axes.texts] == ["1–2", "1–2", "3", "rank"]
    picture(figure._repr_png_()[0])


def test_a_board_without_a_method_has_a_frame_without_rows_and_no_figure() -> None:
    (board,) = boards([made("breaks", outcome="failed", pictures=3)])
    bare = nb.Leaderboard(board)
    assert len(bare.frame) == 0 and list(bare.frame)[:3] == ["method", "rank_low", "rank_high"]
    assert all("No method has a " in text for text in (bare._repr_html_(), str(bare)))
    with pytest.raises(nb.UsageError, match=r"no method is ranked .*photos · gaussian\(sigma=25\)"):
        bare.plot()


def test_a_store_says_what_is_in_it_and_why_a_cell_is_on_no_board(export: Path) -> None:
    results = nb.read_results(export)
    facts = "8 cells: 7 ok, 1 failed · 4 methods · 1 dataset · 2 regimes · 1 cost"
    text = results._repr_html_()
    assert "<script" not in text and facts in shown(text) and facts in str(results)
    assert repr(results) == f"StoredResults({export}: {facts})"
    first = ", ".join(results.boards[1].frame["method"][:2])
    assert f"1 photos · gaussian(sigma=25) uint8@1 0 9 3 {first} " in shown(text) and SCRIPT in first
    assert f"breaks photos · gaussian(sigma=25) 0 failed 3 of 9 RuntimeError: {SCRIPT}" in shown(text)
    assert [failure.label for failure in results.failures] == ["breaks"]


def test_cells_that_were_edited_by_hand_are_named_and_left_out(tmp_path: Path) -> None:
    open_store(tmp_path / "s")
    keys = [put(tmp_path / "s", made(name)) for name in ("nlm", "median")]
    edit(tmp_path / "s", keys[0], seed=5)
    results = nb.read_results(tmp_path / "s")
    assert [r.cell.method.name for r in results.records] == ["median"]
    assert set(results.frame["method"]) == {"median"}
    assert f"Left out: {tmp_path}/s: cell {keys[0][:12]}" in shown(results._repr_html_())
    with pytest.raises(nb.UsageError, match="edited by hand"):
        nb.frame(tmp_path / "s")


def test_a_frame_of_what_was_read_is_nb_frame(export: Path) -> None:
    pandas.testing.assert_frame_equal(nb.read_results(export).frame, nb.frame(export), check_exact=True)


def test_a_long_table_says_how_many_rows_it_leaves_out() -> None:
    (board,) = boards([record("nlm", {"psnr": [30.0]}, display=f"nlm(h={i})") for i in range(45)])
    text = shown(nb.Leaderboard(board)._repr_html_())
    assert "and 5 more: all are in .frame" in text and len(nb.Leaderboard(board).frame) == 45


@pytest.mark.parametrize("wrong", [None, 5, "nowhere", b"x"])
def test_what_is_no_store_is_refused_in_words(wrong: Any) -> None:
    with pytest.raises(nb.UsageError) as caught:
        nb.read_results(wrong)
    assert "\n" not in str(caught.value)


# --- what a method is told, and what else is printed --------------------------------------------------------


def test_info_shows_the_values_that_are_disclosed() -> None:
    clean = np.zeros((8, 6), np.uint8)
    assert repr(nb.degrade("gaussian(sigma=25)", clean)[1]) == (
        "Info(bit_depth=8, shape=(8, 6), sigma=0.09804, rng=…, generator=…)"
    )
    assert "mask=float64 (8, 6), " in repr(nb.degrade("mask(keep=0.5)", clean)[1])
    hidden = repr(nb.degrade("gaussian_range(low=10, high=20)", clean)[1])
    assert hidden == "Info(bit_depth=8, shape=(8, 6), rng=…, generator=…)"


def test_info_shows_neither_the_key_of_the_noise_nor_the_truth() -> None:
    truth = nb.Sample("secret", np.full((2, 2), 77, np.uint8))
    info = nb.Info({"sigma": 0.5, "sample": truth, "nothing": None}, key=b"seed")
    assert repr(info) == "Info(sample=…, sigma=0.5, rng=…, generator=…)"
    assert info.rng.random() != 0 and repr(info) == "Info(sample=…, sigma=0.5, rng=…, generator=…)"


def test_info_keeps_hostile_and_long_values_short() -> None:
    text = repr(nb.Info({"item": "a\n\x1b[31m" + "b" * 999, "levels": tuple(range(9)), "pair": np.array([0.25, 1.0])}))
    assert len(text) < 200 and "\n" not in text and "\x1b" not in text
    assert "levels=(0, 1, 2, 3, … 5 more)" in text and "pair=[0.25, 1]" in text


def test_public_objects_print_what_they_are() -> None:
    photos = nb.open_dataset(nb.bind("photos", "dataset"))
    sample, track = photos.load(0), nb.get_track("restore")
    case = track.pose(nb.bind("gaussian(sigma=25)", "regime"), sample, 0)
    assert repr(photos) == "ManifestSet('photos', 12 pictures)"
    assert repr(sample) == "Sample('camera', clean=uint8 (256, 256))"
    assert repr(track) == "Track(restore)" and repr(nb.get_track("functions")) == "Track(functions)"
    assert repr(nb.bind("nlm(h=0.8)", "method")) == "Bound(nlm(h=0.8))"
    assert repr(nb.Spec("nlm", (("h", 0.8),))) == "Spec(nlm(h=0.8))"
    assert repr(nb.Restorer(nb.bind("nlm", "method"))) == "Restorer(nlm)"
    assert repr(case).startswith("Case(given=float32 (256, 256, 1), info=Info(bit_depth=8, ")
    assert repr(record(scores={"psnr": SCORES})) == "Record(nlm · photos · gaussian(sigma=25) · seed 0: ok)"
    assert repr(boards([record(scores={"psnr": SCORES})])) == "[Board(photos · gaussian(sigma=25): 1 rows)]"


# --- the example -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Source of each cell of the example → its outputs, executed in a folder of its own."""
    return outputs_of(executed_notebook(tmp_path_factory.mktemp("example")))


def outputs_of(book: Any) -> dict[str, list[Any]]:
    return {cell["source"]: cell["outputs"] for cell in book["cells"] if cell["cell_type"] == "code"}


def numbers_of(outputs: list[Any]) -> list[str]:
    """What a cell shows, as text; what it prints and its figures apart."""
    return [shown(data["text/html"]) if "text/html" in data else data["text/plain"]
            for data in (one["data"] for one in outputs if one["output_type"] == "execute_result")]  # fmt: skip


def output(executed: dict[str, list[Any]], last_line: str) -> dict[str, Any]:
    """What the cell that ends with this line shows, by type."""
    (outputs,) = [made for source, made in executed.items() if source.splitlines()[-1] == last_line]
    data: dict[str, Any] = outputs[-1]["data"]
    return data


def test_the_example_is_committed_with_its_outputs(executed: dict[str, list[Any]]) -> None:
    book = nbformat.read(EXAMPLE, as_version=4)
    nbformat.validate(book)
    committed = outputs_of(book)
    assert len(committed) >= 10 and EXAMPLE.stat().st_size < 60_000
    remedy = "run python tests/support/example_notebook.py"
    assert {source: numbers_of(made) for source, made in committed.items()} == {
        source: numbers_of(made) for source, made in executed.items()
    }, remedy
    assert sum("image/png" in one.get("data", ()) for made in committed.values() for one in made) == 2, remedy


def test_the_example_shows_a_result_with_its_numbers(executed: dict[str, list[Any]]) -> None:
    result = nb.evaluate("gaussian_filter", "photos", "gaussian(sigma=25)")
    low, high = result.interval("psnr") or (0, 0)
    text = shown(output(executed, "result")["text/html"])
    assert f"psnr (dB) ↑ {result.psnr:.2f} [{low:.2f}, {high:.2f}] 12" in text
    assert result.signature("psnr") in text
    assert (
        output(executed, "info")["text/plain"]
        == "Info(bit_depth=8, shape=(512, 512), sigma=0.09804, rng=…, generator=…)"
    )


def test_the_example_shows_its_board_as_the_report_has_it(executed: dict[str, list[Any]]) -> None:
    text = shown(output(executed, "results")["text/html"])
    assert "8 cells: 8 ok · 4 methods · 1 dataset · 2 regimes" in text
    due = nb.evaluate("nlm", limit=8).psnr
    assert f" nlm {due:.2f} " in shown(output(executed, "board")["text/html"])


@pytest.mark.parametrize("line", ["result.plot()", "board.plot()"])
def test_the_figures_of_the_example_came_out(executed: dict[str, list[Any]], line: str) -> None:
    pixels = picture(base64.b64decode(output(executed, line)["image/png"]))
    assert pixels.shape[1] == 1400


def test_ipython_shows_a_mistake_on_one_line() -> None:
    code = "import noisebench as nb; nb.evaluate('nothing_such')"
    done = subprocess.run([sys.executable, "-m", "IPython", "-c", code], capture_output=True, text=True)
    assert re.fullmatch(r"UsageError: unknown method 'nothing_such': .*\n", done.stdout)


def test_the_guide_runs_and_names_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_store(Path("nb-store"))
    put(Path("nb-store"), made())
    guide = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    known: dict[str, Any] = {"nb": nb, "clean": np.zeros((256, 256), np.uint8)}
    for block in re.findall(r"^```python\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE):
        exec(block, known)
    known["board"] = known["results"].boards[0]
    named = re.findall(r"`(result|results|board)\.(\w+)", guide)
    assert len(named) > 10 and all(hasattr(known[owner], name) for owner, name in named)
    assert f"`{known['info']!r}`" in " ".join(guide.split())


def test_stored_results_draw_one_of_their_boards(export: Path) -> None:
    results = nb.read_results(export)
    picture(results.plot()._repr_png_()[0])
    assert results.plot().axes[0].get_title(loc="left") == results.boards[0].plot().axes[0].get_title(loc="left")
    with pytest.raises(nb.UsageError, match=r"^no board 99: .* has \d+ boards"):
        results.plot(99)
