"""Figures: one look a method, names that do not overlap, declared units, intervals of the board, sizes for print."""

from __future__ import annotations

import itertools
import re
import struct
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import noisebench as nb
import numpy as np
import pytest
from board_records import cost_record, panel_of, record
from matplotlib.backends.backend_agg import FigureCanvasAgg
from messages import missing_by_line, missing_from
from msgspec import structs
from noisebench.boards.build import boards
from noisebench.boards.curves import charts
from noisebench.boards.levels import family_chart, level_families
from noisebench.report.data import report_data
from noisebench.report.plots.axis_text import metric_name, parameter_text
from noisebench.report.plots.critical_difference import diagrams, draw_critical, readable
from noisebench.report.plots.drawing import Plot
from noisebench.report.plots.end_labels import spread
from noisebench.report.plots.levels import draw_levels
from noisebench.report.plots.looks import COLOURS, GREY, looks_of
from noisebench.report.plots.selection import draw_all
from noisebench.report.plots.sheets import HOUSE, STYLES
from noisebench.report.studies import draw_chart
from noisebench.report.write import write_report
from noisebench.store.cell import SetPart
from noisebench.store.record import Record
from noisebench.suite.study import Axis

ITEMS = [f"p{i:02d}" for i in range(24)]
NAMES = ("nlm", "median", "wiener", "bilateral", "identity")


def store(names: Sequence[str] = NAMES, sigmas: Sequence[int] = (15, 25, 50), n: int = 24, **more: Any) -> list[Record]:
    """Methods in falling order, 0.3 dB apart, at several levels of the noise, with a cost each."""
    rng = np.random.default_rng(0)
    records = []
    for sigma in sigmas:
        base = 40 - sigma / 4 + rng.normal(0, 2, n)
        for place, name in enumerate(names):
            scores = {"psnr": base - 0.3 * place + rng.normal(0, 0.1, n)}
            records.append(
                record(name.partition("(")[0], scores, display=name, regime=f"gaussian(sigma={sigma})",
                       items=ITEMS[:n], **more)
            )  # fmt: skip
    costs = [cost_record(name.partition("(")[0], display=name, p50=2.0**i) for i, name in enumerate(names)]
    return [*records, *costs]


@pytest.fixture(scope="module")
def plain() -> list[Plot]:
    """The figures of a small store, as a report has them where no style is named."""
    return drawn(store())


def busy(records: Sequence[Record], name: str) -> list[Record]:
    """The records, with the cost of one method measured beside other work."""

    def changed(one: Record) -> Record:
        cost = one.cell.cost
        if cost is None or one.cell.method.name != name:
            return one
        return replace(one, cell=structs.replace(one.cell, cost=structs.replace(cost, busy=3.0)))

    return [changed(one) for one in records]


def drawn(records: Sequence[Record], style: str = "") -> list[Plot]:
    return draw_all(report_data(records, ""), style)[0]


def kind(plots: Sequence[Plot], start: str) -> list[Plot]:
    return [plot for plot in plots if plot.name.startswith(start)]


def marked(plot: Plot) -> dict[str, set[tuple[str, str]]]:
    """Colour and marker of all that is drawn under a name, by that name."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for axes in plot.figure.axes:
        for line in axes.lines:
            if line.get_marker() != "None" and not str(line.get_label()).startswith("_"):
                found[str(line.get_label())].add((str(line.get_color()), str(line.get_marker())))
    return found


def name_boxes(plot: Plot) -> list[tuple[str, Any]]:
    """The names beside lines and points, and where they lie in pixels."""
    renderer = FigureCanvasAgg(plot.figure).get_renderer()
    texts = [*plot.figure.texts, *(text for axes in plot.figure.axes for text in axes.texts)]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_label() == "name"]


# ---------------------------------------------------------------------------------------------- looks


def test_a_method_has_the_same_colour_and_marker_in_every_figure_of_a_report(plain: list[Plot]) -> None:
    records = store()
    made = boards(records)
    looks = looks_of(made)
    study = [
        draw_chart(c, 1, looks, STYLES["ieee"]) for x in ("gaussian.sigma", "latency") for c in charts(made, Axis(x))
    ]
    plots = [*drawn(records), *(plot for plot in study if plot is not None)]
    kinds = {plot.name.partition("-")[0] for plot in plots}
    assert kinds == {"level", "pareto", "critical", "study"}
    for plot in plots:
        found = marked(plot)
        assert set(found) == set(NAMES), plot.name
        for name in NAMES:
            assert found[name] == {(looks[name].colour, looks[name].marker)}, (plot.name, name)


def test_sanity_rows_are_grey_and_no_other_row_is() -> None:
    looks = looks_of(boards(store(("nlm", "median", "identity", "gaussian_filter", "oracle", "bayes_optimum"))))
    assert {name for name, look in looks.items() if look.colour == GREY} == {
        "identity", "gaussian_filter", "oracle", "bayes_optimum",
    }  # fmt: skip
    assert len({look.marker for look in looks.values() if look.colour == GREY}) == 4


def test_methods_of_one_declared_family_share_a_colour_and_differ_in_marker_and_dash() -> None:
    grey, colour = (record(f"net_{kind}", {"psnr": [30.0] * 6}, flags={"family": "net"}) for kind in ("grey", "colour"))
    looks = looks_of(boards([grey, colour, record("nlm", {"psnr": [29.0] * 6})]))
    one, other = looks["net_grey"], looks["net_colour"]
    assert one.colour == other.colour != looks["nlm"].colour
    assert one.marker != other.marker and one.dash != other.dash
    assert looks["net"].colour == one.colour


def test_beyond_the_colours_there_are_other_dashes_and_no_two_methods_look_alike() -> None:
    names = [f"method_{i:02d}" for i in range(40)]
    looks = looks_of(boards(store(names, (25,))))
    first = [looks[name] for name in names[: len(COLOURS)]]
    assert {look.colour for look in first} == set(COLOURS) and {look.dash for look in first} == {"-"}
    assert looks[names[len(COLOURS)]].dash != "-"
    assert len({(look.colour, look.marker) for look in looks.values()}) == 40


def test_looks_do_not_depend_on_the_order_of_records_nor_on_who_is_behind() -> None:
    records = store()
    assert looks_of(boards(records[::-1])) == looks_of(boards(records))
    more = looks_of(boards(store((*NAMES[:4], "newcomer", "identity"))))
    assert {name: more[name] for name in NAMES} == looks_of(boards(records))


# ---------------------------------------------------------------------------------------------- names


def test_names_are_spread_as_little_as_keeps_them_apart() -> None:
    assert spread([0.0, 0.0, 0.0], 1.0, -5.0, 5.0) == [-1.0, 0.0, 1.0]
    assert spread([3.0, 0.0, 3.2], 1.0, -5.0, 5.0) == pytest.approx([2.6, 0.0, 3.6])
    assert spread([0.0, 4.9, 5.0], 1.0, -5.0, 5.0) == pytest.approx([0.0, 4.0, 5.0])


@pytest.mark.parametrize("style", ["", "ieee", "slides"])
def test_names_beside_lines_points_and_ranks_do_not_overlap_and_are_not_cut(style: str) -> None:
    long = ["swin(patch=7, window=8)", "swin(patch=7, window=16)", "trained(arch=unet(width=24), optimizer=sgd_sai)"]
    records = store([*(f"method_{i:02d}" for i in range(21)), *long, "identity"], (15, 25))
    many = drawn(records, style)
    plots = [*kind(many, "level-"), *many[1:2], *kind(drawn(store((*NAMES, *long), (25,)), style), "critical-")]
    assert {plot.name.partition("-")[0] for plot in plots} == {"level", "pareto", "critical"}
    for plot in [p for whole in plots for p in (whole, whole.narrow) if p is not None]:
        boxes = name_boxes(plot)
        assert len(boxes) >= 6
        for (one, a), (other, b) in itertools.combinations(boxes, 2):
            assert not a.padded(-1).overlaps(b.padded(-1)), (plot.name, one, other)
        wide, high = plot.figure.get_size_inches() * plot.figure.dpi
        for name, box in boxes:
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= wide + 1 and box.y1 <= high, (plot.name, name)


def test_names_beside_points_lie_on_no_marker() -> None:
    (plot,) = kind(drawn(store([f"method_{i:02d}" for i in range(20)], (25,))), "pareto-")
    axes = plot.figure.axes[0]
    points = [axes.transData.transform(line.get_xydata()[0]) for line in axes.lines if line.get_marker() != "None"]
    assert len(points) == 20
    for name, box in name_boxes(plot):
        assert not any(box.contains(*point) for point in points), name


def test_a_name_is_nearest_to_its_own_point_or_away_from_all() -> None:
    names = [f"method_{i:02d}" for i in range(16)]
    records = [record(name, {"psnr": [30.0 - i % 6 if i else 50.0] * 6}) for i, name in enumerate(names)]
    costs = [cost_record(name, p50=1.0 + (i // 6) / 9 if i else 1e3) for i, name in enumerate(names)]
    (plot,) = kind(drawn([*records, *costs]), "pareto-")
    for figure in [one.figure for one in (plot, plot.narrow) if one]:
        axes, dpi = figure.axes[0], figure.dpi
        points = {
            str(line.get_label()): axes.transData.transform(line.get_xydata()[0])
            for line in axes.lines if line.get_marker() != "None"
        }  # fmt: skip
        boxes = name_boxes(replace(plot, figure=figure))
        assert len(boxes) >= 6
        for name, box in boxes:
            gap = {
                other: np.hypot(max(box.x0 - x, 0, x - box.x1), max(box.y0 - y, 0, y - box.y1)) / dpi
                for other, (x, y) in points.items()
            }
            nearest = min(gap, key=gap.__getitem__)
            assert nearest == name or gap[nearest] > min(gap[name], 0.16) - 0.04, (name, nearest)


def test_names_without_room_beside_their_points_stand_in_a_legend() -> None:
    names = [f"a_method_with_a_long_name_{i:02d}" for i in range(12)]
    records = [record(name, {"psnr": [30.0 - i / 1e3 if i else 50.0] * 6}) for i, name in enumerate(names)]
    costs = [cost_record(name, p50=1.0 + i / 1e3 if i else 1e3) for i, name in enumerate(names)]
    (plot,) = kind(drawn([*records, *costs], "ieee"), "pareto-")
    assert plot.narrow is not None
    (legend,) = plot.narrow.figure.legends
    shown = [text.get_text() for text in legend.get_texts()] + [name for name, _ in name_boxes(plot.narrow)]
    assert len(shown) == 12 and len(set(shown)) == 12


def set_part(value: float | None, *, higher: bool = False) -> SetPart:
    """A distance of whole sets as a cell holds it."""
    return SetPart(version=1, higher=higher, unit="", features="mid", features_sha256="0" * 64, resize="",
                   reference="clean", value=value, error=None, interval=None, n=64, d=112, floor=0.0, flags=[],
                   note="")  # fmt: skip


def with_sets(one: Record, **values: SetPart) -> Record:
    return replace(one, cell=structs.replace(one.cell, sets=values))


def test_quality_is_drawn_against_the_distance_of_the_whole_set_that_is_lower_where_better() -> None:
    kids = {"nlm": 3.0, "median": 2.0, "wiener": -0.5, "bilateral": None, "identity": 9.0}
    records = [
        with_sets(one, kid=set_part(kids[one.cell.method.name]), recall=set_part(0.5, higher=True))
        for one in store(sigmas=(25,))
        if one.cell.kind == "score"
    ]
    (plot,) = kind(drawn(records), "perception-")
    (axes,) = plot.figure.axes
    points = {str(line.get_label()): line.get_xydata()[0] for line in axes.lines if line.get_marker() != "None"}
    assert {name: x for name, (x, _) in points.items()} == {n: v for n, v in kids.items() if v is not None}
    assert axes.get_xscale() == "linear" and axes.get_xlabel() == "kid" and axes.get_ylabel() == "PSNR (dB)"
    (front,) = (line for line in axes.lines if line.get_label() == "front")
    assert set(front.get_xdata()) == {-0.5, 2.0, 3.0}  # identity is worse in both than each of these
    assert not kind(drawn([with_sets(one, kid=set_part(None)) for one in records]), "perception-")


def test_a_baseline_far_beyond_all_methods_is_said_and_not_drawn() -> None:
    kids = {"nlm": 3.0, "median": 2.0, "wiener": -0.5, "bilateral": 1.0, "identity": 10.5}
    records = [one for one in store(sigmas=(25,)) if one.cell.kind == "score"]
    (plot,) = kind(drawn([with_sets(one, kid=set_part(kids[one.cell.method.name])) for one in records]), "perception-")
    (axes,) = plot.figure.axes
    points = {str(line.get_label()) for line in axes.lines if line.get_marker() != "None"}
    assert points == kids.keys() - {"identity"}
    assert axes.get_xlabel().startswith("kid, ") and "identity at 10.5" in axes.get_xlabel()
    assert "beyond it identity at 10.5" in plot.caption


# ---------------------------------------------------------------------------------------------- units


def test_axes_say_metric_and_level_as_a_paper_does_with_the_declared_unit(plain: list[Plot]) -> None:
    mean, gap = kind(plain, "level-")[0].figure.axes
    assert (mean.get_ylabel(), mean.get_xlabel()) == ("PSNR (dB)", "σ (of 255)")
    assert (gap.get_ylabel(), gap.get_xlabel()) == ("Δ PSNR to the best (dB)", "σ (of 255)")
    (axes,) = kind(plain, "pareto-")[0].figure.axes
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("PSNR (dB)", "latency p50 (ms), 256×256×1, cpu, 1 thread")


@pytest.mark.parametrize(("track", "label", "said"), [
    ("restore", "ssim", "SSIM"), ("restore", "psnr@2", "PSNR@2"),
    ("restore", "psnr_hvs(masked=True)", "PSNR-HVS(masked=True)"), ("functions", "rmse", "RMSE"),
    ("restore", "of_a_plug_in", "of_a_plug_in"), ("unknown", "psnr", "psnr"),
])  # fmt: skip
def test_a_metric_is_called_as_it_declares(track: str, label: str, said: str) -> None:
    assert metric_name(track, label) == said


def test_a_level_without_a_declared_label_is_called_by_its_name() -> None:
    rows = [record(m, {"psnr": [30.0 + k] * 6}, regime=f"odd(bend={k})") for k in (1, 2) for m in ("nlm", "median")]
    (plot,) = kind(drawn(rows), "level-")
    assert plot.figure.axes[0].get_xlabel() == "bend of odd"


# ------------------------------------------------------------------------------------------- intervals


def test_bars_are_the_intervals_of_the_board(plain: list[Plot]) -> None:
    records = store()
    (plot,) = kind(plain, "level-")
    bars = {
        str(c.get_label()): sorted((float(s[0][0]), float(s[0][1]), float(s[1][1])) for s in c.get_segments())
        for c in plot.figure.axes[1].collections
    }
    for name in NAMES:
        wanted = sorted(
            (level, *row.interval)
            for level, board in zip((15.0, 25.0, 50.0), boards(records), strict=True)
            for row in board.rows if row.label == name and row.interval is not None
        )  # fmt: skip
        assert bars[name] == wanted and (len(wanted) == 3 or name == "nlm")
    lines = {str(line.get_label()): line for line in plot.figure.axes[1].lines}
    rows = {row.label: row for row in boards(records)[0].rows}
    assert lines["median"].get_xydata()[0] == pytest.approx((15.0, rows["median"].difference))
    assert not missing_from(plot.caption, "95 % intervals", "mean difference", "(bootstrap-t over pictures")


def test_where_the_board_has_no_intervals_the_caption_says_why() -> None:
    (plot,) = kind(drawn(store(n=5)), "level-")
    assert not any(len(c.get_segments()) for c in plot.figure.axes[1].collections)
    assert "No intervals: the pictures" in plot.caption


def test_a_reference_that_would_squeeze_the_others_is_named_with_an_arrow(plain: list[Plot]) -> None:
    records = store()
    low = [
        replace(r, scores={"psnr": r.scores["psnr"] - 20}) if r.scores and r.cell.method.name == "identity" else r
        for r in records
    ]
    (plot,) = kind(drawn(low), "level-")
    assert [name for name, _ in name_boxes(plot)][-1] == "identity ↓"
    assert plot.figure.axes[1].get_ylim()[0] > -5
    assert not missing_from(plot.caption, "An arrow marks", "outside of the range: identity.")
    (fair,) = kind(plain, "level-")
    assert "↓" not in "".join(name for name, _ in name_boxes(fair))


# ------------------------------------------------------------------------------------------ cost plots


def test_a_cost_of_a_busy_machine_is_hollow_and_says_so(plain: list[Plot]) -> None:
    plot = kind(drawn(busy(store(), "wiener")), "pareto-")[0]
    faces = {str(line.get_label()): line.get_markerfacecolor() for line in plot.figure.axes[0].lines}
    assert faces["wiener"] == "white" and faces["nlm"] == looks_of(boards(store()))["nlm"].colour
    names = [name for name, _ in name_boxes(plot)]
    assert "wiener (busy)" in names and "nlm" in names
    assert not missing_from(plot.caption, "Hollow, “busy”: ", "times are too long")
    assert "busy" not in kind(plain, "pareto-")[0].caption


# --------------------------------------------------------------------------------- critical differences


def test_a_diagram_that_could_not_be_read_is_not_drawn_and_a_note_says_why() -> None:
    def noted(records: Sequence[Record]) -> list[str]:
        data, notes = report_data(records, ""), []
        assert diagrams(data) and not readable(diagrams(data), notes)
        return notes

    assert noted(store([f"m{i:02d}" for i in range(21)], (25,))) == [
        "critical differences: not drawn are 1 of 1 diagrams: more than 20 methods"
    ]
    what = "critical differences: ", "1 of 1 diagrams: "
    assert not missing_by_line(noted(store(NAMES, (25,), n=6)), [*what, "too few blocks", "such as 6 for 5"])
    rng = np.random.default_rng(1)
    alike = [record(name, {"psnr": 30 + rng.normal(0, 1, 24)}, items=ITEMS) for name in NAMES]
    assert not missing_by_line(noted(alike), [*what, "no two methods"])


def test_the_note_of_diagrams_that_are_not_drawn_stands_in_the_report(tmp_path: Path) -> None:
    write_report(store(NAMES, (25,), n=6), tmp_path)
    assert "not drawn are 1 of 1 diagrams: too few blocks" in (tmp_path / "leaderboard.md").read_text()
    assert not list((tmp_path / "plots").glob("critical-*"))


def test_no_method_is_left_out_of_a_diagram() -> None:
    names = [f"m{i:02d}" for i in range(20)]
    (own,) = readable(diagrams(report_data(store(names, (25,), n=24), "")), [])
    assert {text.split()[0] for text, _ in name_boxes(draw_critical(own, 1, {}))} >= {"m00"}
    assert len(name_boxes(draw_critical(own, 1, {}))) == 20


# ---------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize(("style", "page", "column"), [
    ("", 7.0, None), ("ieee", 7.16, 3.5), ("nature", 183 / 25.4, 89 / 25.4), ("slides", 40 / 3, None),
])  # fmt: skip
def test_figures_are_as_wide_as_the_style_asks_and_no_text_is_below_six_points(
    style: str, page: float, column: float | None
) -> None:
    plots = drawn(store(NAMES, (15, 25)), style)
    assert len(plots) == 6
    for plot in plots:
        assert (plot.narrow is None) == (column is None)
        for one, wide in ((plot, page), (plot.narrow, column)):
            if one is None or wide is None:
                continue
            across, up = one.figure.get_size_inches()
            assert across == pytest.approx(wide) and up <= 9.5
            sizes = {t.get_fontsize() for t in one.figure.findobj(lambda a: hasattr(a, "get_fontsize")) if t.get_text()}
            assert min(sizes) >= (18 if style == "slides" else 6)


@pytest.mark.parametrize("style", ["", *STYLES])
def test_a_png_has_three_hundred_dots_an_inch_and_says_so(style: str) -> None:
    (plot,) = kind(drawn(store(NAMES, (25,)), style), "critical-")
    across, up = plot.figure.get_size_inches()
    assert struct.unpack(">II", plot.png[16:24]) == (int(across * 300), int(up * 300))
    at = plot.png.index(b"pHYs") + 4
    assert struct.unpack(">II", plot.png[at : at + 8]) == (11811, 11811), "dots a metre"


def test_slides_are_filled() -> None:
    plots = drawn(store(NAMES, (15, 25)), "slides")
    assert {tuple(p.figure.get_size_inches()) for p in [*kind(plots, "level-"), *kind(plots, "pareto-")]} == {
        (40 / 3, 7.5)
    }


def test_a_style_writes_both_widths_as_png_svg_and_pdf_and_replaces_older_ones(tmp_path: Path) -> None:
    records = store(NAMES, (25,))
    write_report(records, tmp_path, style="ieee")
    names = {p.relative_to(tmp_path / "plots").as_posix() for p in (tmp_path / "plots").rglob("*.*")}
    stems = ("critical-01-photos-gaussian-sigma-25", "pareto-01-photos-gaussian-sigma-25")
    assert names == {f"{f}{s}.{k}" for f in ("", "one-column/") for s in stems for k in ("png", "svg", "pdf")}
    write_report(records, tmp_path)
    assert {p.suffix for p in (tmp_path / "plots").rglob("*.*")} == {".png", ".svg"}


def test_a_pdf_holds_its_letters_as_an_embedded_font_and_no_date_and_is_the_same_each_time(plain: list[Plot]) -> None:
    one, again = (kind(plots, "level-")[0] for plots in (plain, drawn(store())))
    pdf = one.pdf
    assert pdf == again.pdf and one.svg == again.svg and one.png == again.png
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf and b"Date" not in pdf
    assert b"<dc:date>" not in one.svg and b"Software" not in one.png


def test_an_unknown_style_is_refused_before_anything_is_written(cli: Any, tmp_path: Path) -> None:
    done = cli("report", "nowhere", "--style", "ieeee", "--to", "out", code=2)
    assert "invalid choice: 'ieeee'" in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------------------------------ no empty figure


def has_data(plot: Plot) -> bool:
    return any(len(axes.images) or any(len(line.get_xydata()) for line in axes.lines) for axes in plot.figure.axes)


def test_an_empty_figure_is_never_written(plain: list[Plot]) -> None:
    torn = panel_of("p00", b"", b"not a picture", b"\x89PNG")
    nothing = [record("nlm", {"psnr": [float("nan")] * 6}, regime=f"gaussian(sigma={s})") for s in (15, 25)]
    lonely = [record(m, {"psnr": [30.0] * 6}, regime=f"gaussian(sigma={s})") for m, s in (("nlm", 15), ("median", 25))]
    for records in (nothing, lonely, [record("nlm", {"psnr": [30.0] * 6}, items=ITEMS[:6], panel=torn)]):
        assert drawn(records) == []
    assert all(has_data(plot) for plot in plain)


def test_a_family_of_levels_without_a_line_of_two_points_is_not_drawn() -> None:
    lonely = [record(m, {"psnr": [30.0] * 6}, regime=f"gaussian(sigma={s})") for m, s in (("nlm", 15), ("median", 25))]
    (family,) = level_families(boards(lonely))
    assert draw_levels(family_chart(family), "level-01", {}, HOUSE) is None


# ---------------------------------------------------------------------------------------------- crops


@pytest.mark.parametrize("channels", [1, 3])
def test_beside_the_score_of_the_picture_stands_that_of_the_crop(channels: int) -> None:
    rng = np.random.default_rng(3)
    clean = rng.integers(0, 256, (24, 24, channels), dtype=np.uint8)
    near, far = (np.clip(clean + rng.normal(0, s, clean.shape), 0, 255).astype(np.uint8) for s in (5, 40))
    files = [cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes() for picture in (clean, far, near)]
    panel = panel_of("p00", *files)
    records = [
        record(m, {"psnr": [v] * 6}, items=ITEMS[:6], panel=panel) for m, v in (("nlm", 28.62), ("identity", 20.0))
    ]
    (plot,) = kind(drawn(records), "panel-")
    texts = "\n".join(text.get_text() for text in plot.figure.axes[0].texts)
    assert f"nlm\n28.62 dB, crop {nb.psnr(near, clean):.2f}" in texts
    assert f"noisy input\n20.00 dB, crop {nb.psnr(far, clean):.2f}" in texts
    assert not missing_from(plot.caption, "PSNR ", "whole picture", "8-bit crop alone")


def test_a_crop_has_no_score_where_the_protocol_is_not_the_one_of_the_board() -> None:
    clean = cv2.imencode(".png", np.full((8, 8), 9, np.uint8))[1].tobytes()
    other = cv2.imencode(".png", np.full((8, 8), 99, np.uint8))[1].tobytes()
    panel = panel_of("p00", clean, other, other)
    (plot,) = kind(drawn([record("nlm", {"psnr": [30.0] * 6}, items=ITEMS[:6], panel=panel, protocol="of_a_plug_in")]),
                   "panel-")  # fmt: skip
    texts = "\n".join(text.get_text() for text in plot.figure.axes[0].texts)
    assert "30.00 dB" in texts and "crop" not in texts


# --------------------------------------------------------------------------------------------- bundle


def test_a_bundle_in_a_style_sets_its_figures_at_their_own_size(tmp_path: Path) -> None:
    from noisebench.report.bundle.write import write_bundle

    write_bundle(store(NAMES, (25,)), tmp_path, style="ieee")
    tex = (tmp_path / "figures.tex").read_text()
    files = re.findall(r"\\includegraphics(?:\[.*?\])?\{(.*?)\}", tex)
    assert files and all(f.startswith("figures/one-column/") and (tmp_path / f).is_file() for f in files)
    assert "width=" not in tex


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("trained.optimizer.lr", "learning rate of the optimizer"),
        ("trained.data.n", "number of items of the data"),
        ("trained.parts.nm.until", "until of the part nm"),
        ("trained.steps", "steps of the training"),
        ("nlm.h", "h of nlm"),
        ("latency p50 (ms)", "latency p50 (ms)"),
    ],
)
def test_the_path_of_a_parameter_is_words_on_an_axis(path: str, words: str) -> None:
    assert parameter_text(path) == words
