"""The page on screens of every width, by keyboard, on paper and before axe, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from board_records import cost_record, record
from browser import (
    BASE,
    WOBBLE,
    address,
    choose,
    decoded,
    findings,
    in_browser,
    leave_pictures,
    main_column,
    methods,
    ordinary,
)
from noisebench.report.write import write_report
from noisebench.store.record import Record

pytestmark = in_browser

WIDE = "trained(architecture=restormer(blocks=4,width=48,heads=8),weights=weights/restormer_{}.pt,tta=true)"
"""A name that a checkpoint with its parameters has."""
METHODS = 24


def wide() -> list[Record]:
    """24 methods, a third of them of a long name, three metrics and costs."""
    names = [WIDE.format(i) if i % 3 == 0 else f"unet(width={i})" for i in range(METHODS)]
    found = [
        record(
            "trained",
            {"psnr": BASE - i / 9 * WOBBLE - i / 20, "ssim": BASE / (50 + i), "mse": (1 + i) / BASE},
            display=name,
            source=name,
            flags={"blind": i % 5 == 0},
        )
        for i, name in enumerate(names)
    ]
    costs = [
        cost_record("trained", display=name, source=name, p50=3.0 * (i + 1) ** 1.7, peak=(i + 1) << 21)
        for i, name in enumerate(names)
    ]
    return [*found, *costs]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    records = ordinary()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("noisebench.report.write.draw_all", lambda *_: ([], []))
        write_report(records, folder / "ordinary", kept=leave_pictures(folder / "store", records))
        write_report(wide(), folder / "wide")
    return {name: folder / name / "leaderboard.html" for name in ("ordinary", "wide")}


def screen(width: int, height: int = 900, scheme: str = "light") -> dict[str, Any]:
    return {"viewport": {"width": width, "height": height}, "color_scheme": scheme}


def draw_all_sections(page: Any) -> None:
    """Sections out of view are not laid out until they are scrolled to."""
    page.evaluate("document.querySelectorAll('section').forEach((s) => (s.style.contentVisibility = 'visible'))")
    drawn(page)


def drawn(page: Any) -> None:
    """Wait until sizes are known and painted."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def scroll_box(page: Any, left: int = 0, top: int = 0) -> None:
    page.locator("#board .scroll").evaluate(
        "(box, at) => box.scrollTo({ ...at, behavior: 'instant' })", {"left": left, "top": top}
    )
    drawn(page)


def cues(page: Any) -> dict[str, bool]:
    return {side: page.locator(f"#board .cue.{side}").is_visible() for side in ("left", "right", "below")}


def in_focus(page: Any) -> str:
    return str(page.evaluate("document.activeElement.dataset.k || document.activeElement.className"))


def kept(page: Any, name: str) -> list[str]:
    """What the address says of something."""
    return parse_qs(address(page)).get(name, [])


# ------------------------------------------------------------------------------------- screens of every width


@pytest.mark.parametrize("name", ["ordinary", "wide"])
@pytest.mark.parametrize("width", [1440, 1024, 768, 390, 320])
def test_the_page_itself_never_scrolls_sideways(opened, name, width):
    page = opened(name, **screen(width))
    draw_all_sections(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_at_1440_a_board_of_ten_columns_is_seen_whole(opened):
    page = opened("ordinary", **screen(1440))
    drawn(page)
    assert page.locator(".board thead th").all_inner_texts() == [
        "rank", "method", "psnr (dB) ↑", "ssim ↑", "Δ psnr to best [95 %]", "worst 5 % psnr", "p50 ms", "× ref",
        "peak MiB", "params",
    ]  # fmt: skip
    right = page.locator(".board thead th").last.evaluate("th => th.getBoundingClientRect().right")
    assert right <= 1440 and cues(page) == {"left": False, "right": False, "below": False}


@pytest.mark.parametrize("width", [1440, 1024, 700])
def test_a_header_that_gets_the_focus_comes_into_view(opened, width):
    page = opened("wide", **screen(width))
    drawn(page)
    covered = page.locator(".board thead button").evaluate_all(
        """all => [...all, ...all.reverse()].filter((b) => { b.focus();
          const { left, right, top, bottom } = b.getBoundingClientRect();
          const seen = (x) => b.contains(document.elementFromPoint(x, (top + bottom) / 2));
          return !seen(left + 1) || !seen(right - 2); }).map((b) => b.textContent)"""
    )
    assert page.locator(".board thead button").count() == 11 and covered == []


def test_a_cue_is_at_each_edge_where_there_is_more_and_at_no_other(opened):
    page = opened("wide", **screen(700))
    drawn(page)
    assert cues(page) == {"left": False, "right": True, "below": True}
    scroll_box(page, left=120)
    assert cues(page) == {"left": True, "right": True, "below": True}
    scroll_box(page, left=9999, top=99999)
    assert cues(page) == {"left": True, "right": False, "below": False}


def test_the_method_and_the_header_stay_where_a_board_is_scrolled(opened):
    page = opened("wide", **screen(700))
    scroll_box(page, left=300, top=600)
    box = page.locator("#board .scroll").bounding_box()
    header = page.locator(".board thead th.stuck").bounding_box()
    name = page.locator(".board tbody td.name").nth(12).bounding_box()
    assert (header["x"], name["x"]) == pytest.approx((box["x"], box["x"]), abs=1)
    assert header["y"] == pytest.approx(box["y"] + 1, abs=1)
    assert name["y"] > header["y"]


def test_the_header_of_a_long_board_that_fits_stays_below_the_bar(opened):
    page = opened("wide", **screen(1700))
    page.evaluate("scrollTo({ top: 900, behavior: 'instant' })")
    drawn(page)
    bar = page.locator(".bar").bounding_box()
    header = page.locator(".board thead th").first.bounding_box()
    assert bar["y"] == 0 and header["y"] == pytest.approx(bar["height"], abs=1)


def test_sorting_leaves_the_board_where_it_is_scrolled(opened):
    page = opened("wide", **screen(700))
    scroll_box(page, left=150, top=300)
    button = page.locator(".board thead button", has_text="ssim").bounding_box()
    page.mouse.click(button["x"] + 9, button["y"] + 9)  # `click` of playwright would scroll first
    drawn(page)
    assert kept(page, "sort") == ["-=ssim"]
    assert page.locator("#board .scroll").evaluate("box => [box.scrollLeft, box.scrollTop]") == [150, 300]


def test_heads_break_so_that_a_wide_board_needs_less_room(opened):
    page = opened("wide", **screen(1024))
    drawn(page)
    assert cues(page)["right"] is False


def test_the_viewer_fits_a_phone(opened):
    page = opened("ordinary", **screen(390))
    page.get_by_role("button", name="Open the viewer").click()
    drawn(page)
    right = page.locator("dialog.viewer").evaluate("box => box.getBoundingClientRect().right")
    ends = page.locator("dialog.viewer :is(button, select, canvas)").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().right)"
    )
    assert len(ends) > 10 and max(ends) <= right <= 390
    page.get_by_role("button", name="Close").click()
    assert not page.locator("dialog.viewer").is_visible()


def test_a_phone_has_a_card_for_each_method_with_every_value_of_the_table(opened):
    table = opened("ordinary", **screen(1440)).locator(".board tbody tr")
    rows = [row.locator("td").all_inner_texts() for row in table.all()]
    page = opened("ordinary", **screen(390))
    assert page.locator(".board thead").is_hidden()
    for row, cells in zip(page.locator(".board tbody tr").all(), rows, strict=True):
        card = row.bounding_box()
        assert row.locator("td").all_inner_texts() == cells
        for cell in row.locator("td").all():
            box = cell.bounding_box()
            assert box["height"] > 0 and box["x"] >= card["x"] and box["x"] + box["width"] <= card["x"] + card["width"]
    first = page.locator(".board tbody tr").first.locator("td")
    titles = first.evaluate_all("all => all.map((c) => getComputedStyle(c, '::before').content.split('\"')[1] || '')")
    assert titles[2:] == [
        "psnr (dB) ↑", "ssim ↑", "Δ psnr to best [95 %]", "worst 5 % psnr", "p50 ms", "× ref", "peak MiB", "params",
    ]  # fmt: skip


def test_cards_sort_by_every_column_and_the_other_way(opened):
    page = opened("ordinary", **screen(390))
    choose(page, "sortby", "p50 ms")
    assert methods(page) == ["identity", "blur", "median", "nlm"]
    page.get_by_role("button", name="Descending").click()
    assert methods(page) == ["nlm", "median", "blur", "identity"]
    choose(page, "sortby", "ssim ↑")
    assert methods(page) == ["median", "nlm", "identity", "blur"], "the better end comes first"


# -------------------------------------------------------------------------------------------------- columns


def test_columns_are_chosen_and_the_address_keeps_them(opened):
    page = opened("ordinary")
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="ssim ↑").uncheck()
    assert page.evaluate("document.activeElement.dataset.k") == "h=ssim"
    page.get_by_role("checkbox", name="× ref").uncheck()
    left = ["rank", "method", "psnr (dB) ↑", "Δ psnr to best [95 %]", "worst 5 % psnr", "p50 ms", "peak MiB", "params"]
    assert page.locator(".board thead th").all_inner_texts() == left
    assert kept(page, "hide") == ["=ssim,rel"]
    page.get_by_role("button", name="Copy as Markdown").click()
    page.wait_for_function("copied.length === 1")
    assert "ssim" not in page.evaluate("copied[0]") and "worst 5 % psnr" in page.evaluate("copied[0]")

    other = opened("ordinary", address(page))
    assert other.locator(".board thead th").all_inner_texts() == left
    other.get_by_role("button", name="Columns (2 hidden)").click()
    other.get_by_role("checkbox", name="ssim ↑").check()
    assert kept(other, "hide") == ["rel"]
    other.get_by_role("button", name="Show all").click()
    assert kept(other, "hide") == [] and other.locator(".board thead th").count() == 10


def test_escape_closes_the_choice_of_columns(opened):
    page = opened("ordinary")
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="params").focus()
    page.keyboard.press("Escape")
    assert page.locator("#columns").count() == 0
    assert in_focus(page) == "acolumns"


# ------------------------------------------------------------------------------------------------- keyboard


def test_escape_in_the_filter_brings_all_methods_back(opened):
    page = opened("ordinary")
    page.keyboard.press("/")
    page.keyboard.type("nlm")
    assert methods(page) == ["nlm"] and kept(page, "q") == ["nlm"]
    page.keyboard.press("Escape")
    assert methods(page) == ["nlm", "median", "identity", "blur"]
    assert kept(page, "q") == [] and page.locator('[data-k="filter"]').input_value() == ""
    assert page.evaluate("document.activeElement.closest('section').id") == "board"


@pytest.mark.parametrize("width", [1440, 1024])
def test_the_table_is_at_most_three_stops_from_the_top(opened, width):
    page = opened("wide", **screen(width))
    drawn(page)
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the board"
    assert page.locator(":focus").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert in_focus(page) == "srank"
    assert kept(page, "board") == []


def test_the_tab_key_stops_once_at_each_group_of_buttons(opened):
    page = opened("ordinary")
    stops = []
    for _ in range(10):
        page.keyboard.press("Tab")
        stops.append(in_focus(page) if in_focus(page) else page.locator(":focus").inner_text())
    theme, keys = (page.get_by_role("button", name=name, exact=True).count() for name in ("Theme", "Keys"))
    assert (theme, keys) == (1, 1)
    assert stops[0] == "skip" and stops[3:] == [
        "dataset", "regime", "metric", "filter", "jboard", "acolumns", "ref",
    ]  # fmt: skip


def test_arrows_move_inside_a_group_which_is_entered_where_it_was_left(opened):
    page = opened("ordinary")
    page.locator('[data-k="jboard"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert in_focus(page) == "jcurves"
    page.keyboard.press("End")
    assert in_focus(page) == "jabout"
    page.keyboard.press("ArrowRight")
    assert in_focus(page) == "jboard", "round the end"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    assert in_focus(page) == "acolumns"
    page.keyboard.press("m")
    assert kept(page, "m") == ["ssim"], "the page is drawn again"
    page.keyboard.press("Shift+Tab")
    assert in_focus(page) == "jabout"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "about"


# ---------------------------------------------------------------------------------------------------- paper


def printed(opened: Any, name: str, width: int = 1440, state: str = "") -> Any:
    page = opened(name, state, **screen(width, scheme="dark"))
    page.emulate_media(media="print", color_scheme="dark")
    drawn(page)
    return page


@pytest.mark.parametrize("width", [1440, 390])
def test_paper_has_every_row_whole_and_no_box_that_scrolls(opened, width):
    page = printed(opened, "wide", width)
    rows = page.locator(".board tbody tr")
    assert rows.count() == METHODS
    assert rows.evaluate_all("all => all.map((r) => getComputedStyle(r).display)") == ["table-row"] * METHODS
    assert rows.evaluate_all("all => new Set(all.map((r) => getComputedStyle(r).breakInside)).size") == 1
    assert rows.first.evaluate("r => getComputedStyle(r).breakInside") == "avoid"
    clipped = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter((e) => e.checkVisibility() && e instanceof HTMLElement
          && !['visible', 'clip'].includes(getComputedStyle(e).overflow)
          && (e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1)).map((e) => e.className)"""
    )
    assert clipped == []
    staying = page.evaluate(
        """() => [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility()
          && ['sticky', 'fixed'].includes(getComputedStyle(e).position)).map((e) => e.className)"""
    )
    assert staying == []


def test_paper_has_no_buttons_and_no_fields(opened):
    page = printed(opened, "ordinary")
    assert page.locator("select:visible, input:visible, .bar:visible, .acts:visible, thead button:visible").count() == 0
    left = page.locator("button:visible")
    assert left.count() > 4, "names of methods, scores and thumbnails are text and pictures, not buttons"
    look = left.evaluate_all(
        """all => all.map((b) => getComputedStyle(b)).map((c) => `${c.borderStyle} ${c.backgroundColor}`)"""
    )
    assert set(look) == {"none rgba(0, 0, 0, 0)"}


def test_paper_repeats_the_header_which_is_text(opened):
    page = printed(opened, "wide")
    assert page.locator(".board thead").evaluate("t => getComputedStyle(t).display") == "table-header-group"
    titles = page.locator(".board thead th").evaluate_all(
        "all => all.map((t) => getComputedStyle(t, '::after').content)"
    )
    assert titles[:3] == ['"rank ▴"', '"method"', '"psnr (dB) ↑"']


def test_paper_is_black_on_white_and_says_which_board_it_has(opened):
    page = printed(opened, "ordinary", state="q=m")
    style = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert style == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    title = page.locator("#board .printed").inner_text()
    assert title.startswith("photos · gaussian(sigma=15), ") and title.endswith("“m”")
    assert len(main_column(page)) == 2
    page.emulate_media(media="screen")
    assert page.locator("#board .printed").is_hidden()


# ------------------------------------------------------------------------------------------------------ axe


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_has_no_serious_finding(opened, scheme, width):
    page = opened("ordinary", **screen(width, scheme=scheme))
    page.get_by_role("button", name="Columns").click()
    page.locator('[data-k="filter"]').fill("m")
    draw_all_sections(page)
    assert findings(page) == [], "the page, with the filter and the columns open"
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    decoded(page)
    assert findings(page, "dialog.viewer") == []
    page.keyboard.press("Escape")
    page.locator(".board .link").first.click()
    draw_all_sections(page)
    assert findings(page) == [], "the page of a method"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_no_serious_finding_where_a_board_scrolls(opened, scheme):
    page = opened("wide", **screen(1024, scheme=scheme))
    drawn(page)
    assert findings(page, "#board") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_labels_of_curves_can_be_read(opened, scheme):
    """axe does not judge text in drawings: 4.5 : 1 is what it asks of other text of that size."""
    page = opened("ordinary", "curve=mean", **screen(1440, scheme=scheme))
    draw_all_sections(page)
    ratios = page.locator("#curves .curve text").evaluate_all(
        """all => { const pixel = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
        const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        const light = (colour) => { pixel.fillStyle = colour; pixel.fillRect(0, 0, 1, 1);
          const [r, g, b] = [...pixel.getImageData(0, 0, 1, 1).data].map((v) => linear(v / 255));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05; };
        const paper = light(getComputedStyle(document.body).backgroundColor);
        const inks = all.map((text) => light(getComputedStyle(text).fill));
        return inks.map((ink) => Math.max(ink / paper, paper / ink)); }"""
    )
    assert len(ratios) == 4 and min(ratios) >= 4.5
