"""The page in a real browser: what a reader does with it, and that nothing leaves it."""

from __future__ import annotations

import base64
import json
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from board_records import cost_record, record
from browser import (
    BASE,
    CLEAN,
    HOSTILE,
    NOISY,
    SHADES,
    WOBBLE,
    address,
    choose,
    decoded,
    in_browser,
    leave_pictures,
    main_column,
    methods,
    ordinary,
    shade,
)
from example_boards import fits_board
from messages import missing_from
from noisebench.boards.build import boards
from noisebench.imaging.sample import Sample
from noisebench.report.escape import latex
from noisebench.report.page.data import packed
from noisebench.report.page.legend import FLAG_MEANINGS, legend, regime_names
from noisebench.report.page.previews import KeptPreviews, page_previews
from noisebench.report.tables import board_table
from noisebench.report.write import write_report
from noisebench.store.cells import cell_dir
from noisebench.store.record import Record
from noisebench.store.results import Results
from noisebench.text.notation import Notation
from noisebench.tracks.restore.crops import leave_view

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="9"><rect style="fill:red" width="9" height="9"/></svg>'
)


def hostile() -> list[Record]:
    at: dict[str, Any] = {"dataset": HOSTILE, "items": [f"{HOSTILE}{k}" for k in range(12)], "notes": [HOSTILE]}
    return [
        record(HOSTILE, {"psnr": BASE}, regime="gaussian(sigma=15)", **at),
        record("nlm", {"psnr": BASE - 3}, regime="gaussian(sigma=15)", **at),
        record("bad", {}, dataset=HOSTILE, regime="gaussian(sigma=15)", pictures=12, outcome="failed", reason=HOSTILE,
               traceback=f"{HOSTILE}\n{HOSTILE}"),
        cost_record(HOSTILE, p50=2.0, reasons={"macs": HOSTILE}), cost_record("nlm", p50=3.0),
    ]  # fmt: skip


def many() -> list[Record]:
    """40 methods on 20 boards of 12 pictures."""
    names = [f"trained(arch=unet(width={i}))" for i in range(40)]
    levels = [f"gaussian(sigma={s})" for s in range(1, 21)]
    return [
        record(
            "trained", {"psnr": BASE - i / 9 * WOBBLE, "ssim": BASE / (50 + i)}, display=name, regime=level, source=name
        )
        for i, name in enumerate(names)
        for level in levels
    ]


ODD = {
    "costs": [cost_record("nlm"), cost_record("median", outcome="timeout", reason="over 600 s")],
    "failures": [record("net", {}, pictures=12, outcome="crashed", reason="killed by signal SIGSEGV")],
    "undefined": [
        record("nlm", {"psnr": [math.nan, math.inf], "ssim": [1.0, 1.0]}),
        record("median", {"psnr": [20.0, 21.0]}),
    ],
    "exact": [record("nlm", {"psnr": [math.inf, *BASE[1:]]}), record("median", {"psnr": BASE - 1})],
    "unscored": [record("nlm", {}, pictures=0)],
    "oracle": [
        record("nlm", {"psnr": BASE}),
        record("other", {"psnr": BASE - 1}, display="snow☃→man"),
        record("oracle", {"psnr": [math.inf] * 12}, flags={"oracle": True}),
    ],
    "baseline": [record("mean", {"psnr": BASE}), record("nlm", {"psnr": BASE - 1})],
    "erratic": [
        record("nlm", {"psnr": BASE}),
        record("median", {"psnr": BASE - 1 + WOBBLE}),
        record("net", {"psnr": BASE - 2 + 40 * WOBBLE}),
    ],
}


# ------------------------------------------------------------------------------------------- the browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    records = ordinary()
    drawn = SimpleNamespace(
        name="critical-02-photos-gaussian-sigma-15", caption="Mean ranks.", png=b"", narrow=None, svg=SVG.encode()
    )
    with pytest.MonkeyPatch.context() as patch:
        # The plots beside the page are slow to draw and have tests of their own.
        patch.setattr("noisebench.report.write.draw_all", lambda *_: ([drawn], []))
        write_report(records, folder / "ordinary", kept=leave_pictures(folder / "store", records))
        write_report(hostile(), folder / "hostile", title=HOSTILE)
        write_report(many(), folder / "many")
        write_report(fits_board(), folder / "functions")
        write_report([*ordinary(), *fits_board()], folder / "both")
        for name, records in ODD.items():
            write_report(records, folder / name)
    return {
        name: folder / name / "leaderboard.html" for name in ("ordinary", "hostile", "many", "functions", "both", *ODD)
    }


# ---------------------------------------------------------------------------------------------- the board


@in_browser
def test_the_board_is_in_the_order_of_the_ranking_and_sorts_both_ways(opened):
    page = opened()
    assert methods(page) == ["nlm", "median", "identity", "blur"]
    header = page.locator("th", has_text="ssim")
    header.locator("button").click()
    assert (methods(page), header.get_attribute("aria-sort")) == (["median", "nlm", "identity", "blur"], "descending")
    header.locator("button").click()
    assert (methods(page), header.get_attribute("aria-sort")) == (["blur", "identity", "nlm", "median"], "ascending")
    page.locator("th", has_text="p50 ms").locator("button").click()
    assert methods(page) == ["identity", "blur", "median", "nlm"]
    for title in ("to best", "worst 5 %"):
        page.locator("th", has_text=title).locator("button").click()
        assert methods(page) == ["nlm", "median", "identity", "blur"], "the better end comes first"


@in_browser
def test_what_has_no_rank_comes_last_in_either_direction(opened):
    page = opened("oracle")
    header = page.locator("th", has_text="rank").locator("button")
    assert methods(page) == ["nlm", "snow☃→man", "oracle"]
    header.click()
    assert methods(page) == ["snow☃→man", "nlm", "oracle"] and "sort=-rank" in address(page)
    page.keyboard.press("l")
    page.wait_for_function("copied.length === 1")
    assert f"{latex('snow☃→man')} & " in page.evaluate("copied[0]"), "what LaTeX lacks is as in the report"


@in_browser
def test_the_filter_takes_names_and_flags(opened):
    page = opened()
    page.locator('[data-k="filter"]').fill("m")
    assert methods(page) == ["nlm", "median"]
    page.locator('[data-k="filter"]').fill("blind")
    assert methods(page) == ["median"]
    assert page.evaluate("document.activeElement.dataset.k") == "filter"
    page.locator('[data-k="filter"]').fill("no such thing")
    assert methods(page) == [] and page.get_by_text(re.compile("^No method .* filter")).is_visible()


@in_browser
def test_a_board_says_what_its_regime_and_its_flags_mean(opened):
    notes = opened().locator("#board .notes li").all_text_contents()
    assert any(text.startswith("gaussian: ") for text in notes)
    assert any(f"blind: {FLAG_MEANINGS['blind']}" in text for text in notes)
    assert not any("tiled" in text for text in notes), "only flags that the board has"


def test_an_unregistered_regime_and_flags_that_no_row_has_get_no_line():
    [board] = boards(Results.of([record("nlm", {"psnr": BASE}, regime="no_such_regime(a=1)")]))
    assert legend(board) == []
    assert regime_names("downsample(scale=2) + gaussian(sigma=5)") == ("downsample", "gaussian")


@in_browser
def test_a_row_with_a_wide_range_below_one_that_is_worse_is_not_marked_as_best(opened):
    (board,) = boards(ODD["erratic"])
    assert [row.ranks for row in board.rows] == [(1, 2), (2, 3), (1, 3)]
    assert board_table(board).strong == (True, False, False)
    page = opened("erratic")
    assert methods(page) == ["nlm", "median", "net"]
    assert page.locator("tr.best td.name .link").all_inner_texts() == ["nlm"]
    assert opened().locator("tr.best td.name .link").all_inner_texts() == ["nlm"]


@in_browser
def test_a_method_below_the_baseline_says_what_the_baseline_is(opened):
    assert opened("baseline").locator("#board .chip.warn").all_text_contents() == ["below mean"]
    assert opened().locator("#board .chip.warn").all_text_contents() == ["below the noisy input"]


@in_browser
def test_another_metric_ranks_by_that_metric(opened):
    page = opened()
    assert main_column(page)[0] == f"{(BASE + WOBBLE).mean():.2f}"
    choose(page, "metric", "ssim")
    assert methods(page) == ["median", "nlm", "identity", "blur"]
    assert main_column(page)[0] == f"{(BASE / 40).mean():.4f}"
    assert page.locator("td.rank .text").all_inner_texts() == ["1", "2", "3", "4"]
    assert page.locator("td.gap .text").first.inner_text() == "best"


@in_browser
def test_another_regime_and_another_dataset(opened):
    page = opened()
    choose(page, "regime", "gaussian(sigma=50)")
    assert main_column(page)[0] == f"{(BASE - 7 + WOBBLE).mean():.2f}"
    choose(page, "dataset", "textures")
    assert main_column(page) == [f"{(BASE + 2).mean():.2f}"]
    page.go_back()
    assert main_column(page)[0] == f"{(BASE - 7 + WOBBLE).mean():.2f}"


@in_browser
def test_pictures_that_a_method_has_exact_are_counted_beside_its_mean(opened):
    page = opened("exact")
    assert main_column(page) == [f"{BASE[1:].mean():.2f} (1 identical)", f"{BASE[1:].mean() - 1:.2f}"]


@in_browser
def test_bars_show_rank_ranges_and_intervals(opened):
    page = opened()
    ranges = page.locator("td.rank .text").all_inner_texts()
    bars = page.locator("td.rank rect.fill").evaluate_all(
        "all => all.map((r) => [r.x.baseVal.value, r.width.baseVal.value])"
    )
    for text, (x, width) in zip(ranges, bars, strict=True):
        low, _, high = text.partition("–")
        assert x == pytest.approx(72 / 4 * (int(low) - 1), abs=0.01)
        assert width == pytest.approx(72 / 4 * (int(high or low) - int(low) + 1) - 1, abs=0.01)
    zero = page.locator("td.gap line.zero").first.evaluate("l => l.x1.baseVal.value")
    dots = page.locator("td.gap circle.dot").evaluate_all("all => all.map((c) => c.cx.baseVal.value)")
    assert dots[0] == pytest.approx(zero) and dots[1] < zero


# ----------------------------------------------------------------------------------------- plots and cards


@in_browser
def test_the_plot_of_cost_tells_and_opens_a_method(opened):
    page = opened()
    points = page.locator("#pareto .point")
    assert points.count() == 4
    nlm = page.locator('#pareto .point[aria-label^="nlm"]')
    nlm.hover()
    assert "150 ms, 70.0 MiB" in page.locator("#tip").inner_text()
    on = page.locator("#pareto .point.on").evaluate_all("all => all.map((p) => p.getAttribute('aria-label'))")
    assert sorted(text.split(",")[0] for text in on) == ["identity", "median", "nlm"]
    nlm.click()
    text = page.locator("main").text_content()
    assert "nlm" in text and "p50 ms" in text and re.search(r"[0-9a-f]{64}", text)
    assert not missing_from(text, "macs not measured: ", "no torch operation") and "trained on" not in text
    assert page.locator("#boards tbody tr").count() == 4
    page.keyboard.press("Escape")
    assert page.locator("#board").count() == 1 and "method" not in address(page)
    page.locator('#pareto .point[aria-label^="median"]').click()
    assert "wood, sky" in page.locator("#method").text_content()


@in_browser
def test_curves_over_noise_levels_follow_the_metric(opened):
    page = opened()
    assert page.locator("#curves .series").count() == 3
    label = page.locator('#curves .series[aria-label^="median"]').get_attribute("aria-label")
    assert label.startswith("median, sigma 15: −3.0")
    choose(page, "pcurve", "mean")
    assert page.locator("#curves .series").count() == 4
    choose(page, "metric", "ssim")
    label = page.locator('#curves .series[aria-label^="median"]').get_attribute("aria-label")
    assert f"{(BASE / 40).mean():.4f}" in label
    choose(page, "dataset", "textures")
    assert page.locator("#curves").count() == 0


@in_browser
def test_failures_show_the_end_of_their_traceback(opened):
    page = opened()
    rows = page.locator("#failures tbody tr")
    rows.first.scroll_into_view_if_needed()
    assert rows.locator(".chip").all_text_contents() == ["skipped", "failed"]
    rows.nth(1).locator("summary").click()
    assert f"RuntimeError: {HOSTILE}" in rows.nth(1).locator("pre").text_content()


@in_browser
def test_scores_by_picture_are_those_of_the_rows(opened):
    page = opened()
    row = page.locator("#items tbody tr").nth(1)
    row.scroll_into_view_if_needed()
    shown = [f"{v[1]:.2f}" for v in (BASE + WOBBLE, BASE - 3 - WOBBLE, BASE - 9 + WOBBLE, BASE - 12 + 5 * WOBBLE)]
    assert row.locator("th, td").all_text_contents() == ["p001", *shown]
    assert row.locator(".top1").all_text_contents() == [shown[0]]


# ---------------------------------------------------------------------------------------------- the viewer


@in_browser
def test_the_viewer_wipes_between_two_pictures(opened):
    page = opened()
    page.locator("#items tbody tr").first.locator("button").nth(1).click()
    decoded(page)
    assert (shade(page, 0.45), shade(page, 0.55)) == ((NOISY,) * 3, (SHADES["median"],) * 3)
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    assert shade(page, 0.55) == (NOISY,) * 3
    page.keyboard.press("x")
    assert shade(page, 0.55) == (SHADES["median"],) * 3
    page.keyboard.press("ArrowDown")
    decoded(page)
    assert shade(page, 0.45) == (SHADES["median"] + 30,) * 3
    box = page.locator(".viewer canvas").bounding_box()
    page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"])
    assert shade(page, 0.45) == (NOISY + 30,) * 3


@in_browser
def test_the_viewer_shows_the_error_on_a_scale(opened):
    page = opened(state="item=p000&a=:given&b=nlm")
    decoded(page)
    page.keyboard.press("e")
    ramp = [(59, 15, 112), (140, 41, 129)]
    t = (SHADES["nlm"] - CLEAN) / 32 * 5 - 1
    expected = tuple(a + t * (b - a) for a, b in zip(*ramp, strict=True))
    assert shade(page, 0.55) == pytest.approx(expected, abs=1)
    assert shade(page, 0.45) == pytest.approx((252, 253, 191), abs=1)
    page.keyboard.press(".")
    assert "64 of 255" in page.locator(".viewer .status").inner_text()
    assert shade(page, 0.55) != pytest.approx(expected, abs=1)


@in_browser
def test_the_viewer_zooms_to_a_pixel_grid(opened):
    page = opened(state="item=p000&a=:truth&b=nlm&mode=side&zoom=4")
    decoded(page)

    def shades() -> int:
        return page.evaluate(
            """() => { const c = document.querySelector('.viewer canvas'); 
            const part = new OffscreenCanvas(40, 40).getContext('2d', {willReadFrequently: true});
            part.drawImage(c, 20 - Math.floor(c.width / 4), 20 - Math.floor(c.height / 2));
            const d = part.getImageData(0, 0, 40, 40).data;
            return new Set(Array.from({length: 1600}, (_, i) => d[4 * i])).size; }"""
        )

    assert shades() == 1
    page.keyboard.press("+")
    assert "800 %" in page.locator(".viewer .status").inner_text() and shades() > 1
    page.keyboard.press("g")
    assert shades() == 1
    box = page.locator(".viewer canvas").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    assert "A 100 100 100 · B 110 110 110" in page.locator(".viewer .status").inner_text()
    page.keyboard.press("0")
    assert "zoom" not in address(page)


@in_browser
def test_other_methods_and_pictures_by_key(opened):
    page = opened(state="item=p000&a=:given&b=nlm")
    choices = page.locator('[data-k="vb"] option').all_inner_texts()
    assert choices == ["clean picture", "noisy input", "nlm", "median", "identity", "blur"]
    page.keyboard.press("]")
    assert page.locator('[data-k="vb"]').input_value() == "median"
    page.keyboard.press("{")
    assert page.locator('[data-k="va"]').input_value() == ":truth"
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0 and methods(page)[0] == "nlm"


# --------------------------------------------------------------------------------- keyboard, links, copies


@in_browser
def test_the_board_by_keyboard(opened):
    page = opened()
    page.keyboard.press("?")
    assert "filter the methods" in page.locator("dialog[open]").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    assert page.locator('[data-k="metric"]').input_value() == "ssim"
    page.keyboard.press("j")
    assert "sigma=25" in page.locator('[data-k="regime"] option:checked').inner_text()
    page.keyboard.press("k")
    page.keyboard.press("/")
    page.keyboard.type("nlm")
    assert methods(page) == ["nlm"]
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    assert page.locator("dialog.viewer[open]").count() == 1
    page.keyboard.press("Escape")
    page.locator('[data-k="s=ssim"]').focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.k") == "s=ssim"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.locator('#pareto .point[aria-label^="blur"], .point').first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#method").count() == 1


@in_browser
def test_a_link_brings_back_what_was_seen(opened):
    first = opened()
    choose(first, "regime", "gaussian(sigma=25)")
    choose(first, "metric", "ssim")
    first.locator('[data-k="filter"]').fill("m")
    first.locator("th", has_text="method").locator("button").click()
    first.keyboard.press("v")
    first.keyboard.press("ArrowRight")
    first.keyboard.press("+")
    state = address(first)
    second = opened(state=state)

    def seen(page: Any) -> list[Any]:
        decoded(page)
        selects = page.locator("select, input").evaluate_all("all => all.map((s) => s.value)")
        return [methods(page), main_column(page), selects, page.locator(".viewer .status").inner_text()]

    assert seen(second) == seen(first)
    assert address(second) == state


@in_browser
@pytest.mark.parametrize(
    "state",
    ["d=none&m=none&sort=none&method=none&b=none&x=none", "ref=none&ticks=%0A&only=1", "q=%3Cimg src=x%3E", "%%%=&&="],
)
def test_a_link_to_what_is_not_there_opens_the_page(opened, state):
    page = opened(state=state)
    assert page.locator("h2").first.inner_text() == "Board"
    assert page.locator("img[src=x]").count() == 0


@in_browser
def test_copies_are_the_tables_of_the_report(opened, pages):
    page = opened()
    page.keyboard.press("c")
    page.keyboard.press("l")
    page.wait_for_function("copied.length === 2")
    markdown, latex = page.evaluate("copied")
    assert markdown in (pages["ordinary"].parent / "leaderboard.md").read_text()
    report = (pages["ordinary"].parent / "leaderboard.tex").read_text()
    plain = re.sub(r"\\textbf\{([^{}]*)\}", r"\1", report)
    rows = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 5 and all(line in plain for line in rows[1:])
    assert "Copied as LaTeX" in page.locator("#toast").inner_text()


# --------------------------------------------------------------------------- hostile, small, dark, scriptless


@in_browser
def test_hostile_names_are_shown_as_text(opened):
    page = opened("hostile")
    assert methods(page)[0] == " ".join(HOSTILE.split())
    page.locator("table.board .link").first.click()
    assert HOSTILE in page.locator("main").text_content()
    page.keyboard.press("Escape")
    page.locator("#failures summary").click()
    assert page.locator("#failures pre").text_content() == f"{HOSTILE}\n{HOSTILE}"
    page.keyboard.press("c")
    assert page.evaluate("window.evil") is None
    assert page.locator("img[src=x], [onerror], b:has-text('_x_')").count() == 0


@in_browser
@pytest.mark.parametrize("name", ["ordinary", "hostile"])
@pytest.mark.parametrize("width", [360, 390])
def test_a_phone_never_scrolls_sideways(opened, name, width):
    page = opened(name, viewport={"width": width, "height": 780})
    page.evaluate("document.querySelectorAll('section').forEach((s) => (s.style.contentVisibility = 'visible'))")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    board = page.locator("#board .scroll").evaluate("box => box.scrollWidth - box.clientWidth")
    assert board == 0 or name == "hostile"


@in_browser
def test_dark_is_the_choice_of_the_reader(opened):
    def paper(page: Any) -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light, dark = opened(color_scheme="light"), opened(color_scheme="dark")
    assert paper(light) == "rgb(255, 255, 255)" and paper(dark) == "rgb(17, 21, 26)"
    light.keyboard.press("t")
    assert paper(light) == paper(dark)
    light.reload()
    assert paper(light) == paper(dark)


@in_browser
def test_without_scripts_the_tables_are_there(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("table").count() >= 6
    assert "28.7" in page.locator("table").first.inner_text() or "29." in page.locator("table").first.inner_text()
    assert page.locator("h2").first.inner_text() == "photos · gaussian(sigma=15)"


@in_browser
@pytest.mark.parametrize("name", list(ODD))
def test_a_store_with_little_in_it_has_a_page_that_opens(opened, name):
    page = opened(name, state="method=nlm&item=x&b=nlm&ticks=none&only=1&ref=none&mode=blink")
    for key in "?mclvjkt":
        page.keyboard.press(key)
        page.keyboard.press("Escape")
    assert page.locator("main h2").last.text_content() == "About"


@in_browser
def test_the_page_speaks_in_the_words_of_the_track_of_the_board_in_view(opened):
    page = opened("functions")
    assert page.locator("main h2").all_text_contents() == [
        "Board", "Quality against noise level", "By function", "Behind the order",
        "Across boards", "About",
    ]  # fmt: skip
    assert methods(page) == ["spline", "knn", "mean"], "the least error is the best"
    page.locator("#items").scroll_into_view_if_needed()
    assert page.locator("#items thead th").first.text_content() == "function: rmse"
    both = opened("both")
    assert both.locator("[data-k=dataset] option").all_inner_texts() == ["functions: bumps", "photos", "textures"]
    assert "By function" in both.locator("main h2").all_text_contents()
    choose(both, "dataset", "photos")
    assert "By picture" in both.locator("main h2").all_text_contents()


@in_browser
def test_only_the_board_in_view_is_drawn(opened, pages):
    page = opened("many")
    assert page.locator("[data-k=regime] option").count() == 20
    assert page.locator("table.board tbody tr").count() == 40
    assert page.locator("#items tbody td").count() == 12 * 12
    data = pages["many"].read_text().partition('id="data">')[2].partition("</script>")[0]
    # Bytes a row, its scores of 12 pictures by two metrics included, and of a pair of methods by each metric.
    assert len(data) < 800 * 330 + 20 * 2 * (40 * 39 // 2) * 16


@in_browser
def test_every_control_has_a_name(opened):
    page = opened(state="item=p000&a=:given&b=nlm")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, [role=button], canvas[tabindex], dialog')]
        .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label')))
        .map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


# ------------------------------------------------------------------------------------ what goes into the page


def unpack(packing: list[Any]) -> np.ndarray:
    places, offset, text = packing
    codes = np.frombuffer(base64.b64decode(text), "<u2").astype(float)
    values = (codes + offset) / 10.0**places
    return np.select([codes == 65_535, codes == 65_534, codes == 65_533], [np.nan, -np.inf, np.inf], values)


@pytest.mark.parametrize(
    ("values", "decimals", "error"),
    [([20.0, 34.5678, 61.2], 2, 5e-3), ([0.0, 0.123456, 1.0], 4, 5e-5), ([-3.5, 2e-4, 1e-3], 4, 5e-5),
     ([0.0, 650.25, 1e6], 4, 50.0), ([0.0, 0.12345, 0.5], 3, 5e-4), ([math.inf, -math.inf, math.nan], 2, 0.0),
     ([7.0, 7.0], 2, 0.0)],
)  # fmt: skip
def test_packed_scores_are_as_exact_as_what_is_printed(values, decimals, error):
    packing = packed(np.array([values]), Notation(decimals))
    assert unpack(packing) == pytest.approx(values, abs=error, nan_ok=True)


def test_packed_scores_of_a_scientific_column_keep_their_digits():
    values = [2.834e-07, 1.0, math.inf, math.nan]
    (text,) = packed(np.array([values]), Notation(3, scientific=True))
    assert np.frombuffer(base64.b64decode(text), "<f4") == pytest.approx(values, rel=1e-6, nan_ok=True)


def test_pictures_beyond_the_limit_are_counted_and_the_best_stay(tmp_path, monkeypatch):
    records = ordinary()
    kept = leave_pictures(tmp_path, records)
    made = boards(records)
    shown = page_previews(made, kept)
    assert [len(items) for items in shown.items] == [2, 2, 2, 0] and shown.note == ""
    assert [sorted(item["outputs"]) for item in shown.items[0]] == [[0, 1, 2, 3]] * 2
    assert len(shown.addresses) == len(set(shown.addresses)) == 10
    size = len(base64.b64decode(shown.addresses[0].partition(",")[2]))
    monkeypatch.setattr("noisebench.report.page.previews.MAX_BYTES", 3 * size + 2)
    shown = page_previews(made, kept)
    assert [sorted(item["outputs"]) for item in shown.items[0]] == [[0, 2]]  # identity looks like the noisy input
    assert shown.note.startswith("6 of 24 previews ") and "a page holds" in shown.note


def test_a_large_picture_is_shown_where_it_has_most_detail(tmp_path):
    clean = np.zeros((600, 700), np.uint8)
    clean[300:, 400:] = np.random.default_rng(0).integers(0, 256, (300, 300))
    cell = record("nlm", {"psnr": BASE})
    outputs = cell_dir(tmp_path, cell.cell.key) / "outputs"
    outputs.mkdir(parents=True)
    noisy = (clean / 255).astype(np.float32)[:, :, None]
    leave_view(tmp_path, outputs, 0, Sample("p000", clean), noisy, noisy)
    shown = page_previews(boards([cell]), KeptPreviews.in_store(tmp_path), "pictures")
    ((item,),) = shown.items
    assert (item["full"], item["h"], item["w"]) == ((600, 700), 512, 512)
    assert not missing_from(shown.note, "larger than 512 pixels", "part with most detail")
    assert len(shown.addresses) == 1


def test_what_was_kept_is_not_in_the_page_twice(pages):
    source = pages["ordinary"].read_text()
    assert len(source.partition('id="previews"')[0]) < 1_000_000
    addresses = json.loads(re.findall(r'id="previews">(.*?)</script>', source, re.DOTALL)[0])
    assert len(addresses) == len(set(addresses)) == 10
