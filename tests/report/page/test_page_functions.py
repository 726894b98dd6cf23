"""What readers do with the page: take its numbers, compare some methods, blink between two, look at one closely."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from board_records import cost_record, record
from browser import (
    BASE,
    HOSTILE,
    NOISY,
    SHADES,
    WOBBLE,
    address,
    choose,
    decoded,
    findings,
    in_browser,
    leave_pictures,
    methods,
    ordinary,
    shade,
)
from messages import missing_from
from noisebench.boards.build import boards
from noisebench.cli import main
from noisebench.imaging.sample import Sample
from noisebench.report.data import report_data
from noisebench.report.escape import spreadsheet
from noisebench.report.page.data import page_data
from noisebench.report.page.item_order import order_items, relative_spread, worst_cases
from noisebench.report.page.previews import BESIDE, KeptPreviews, page_previews
from noisebench.report.write import write_report
from noisebench.store.cells import cell_dir
from noisebench.store.record import Record
from noisebench.tracks.restore.crops import leave_view

FORMULAS = ['=HYPERLINK("http://x.y","z")', "+1, 2", "-3", "@SUM(A1)", HOSTILE]
TILED = [f"p{i:03d}" for i in range(12)]


def with_weights() -> list[Record]:
    """The ordinary records; nlm is a variant of a family and has weights."""
    found = ordinary()
    for one in found:
        if one.cell.method.name == "nlm":
            one.cell.method.flags["family"] = "patches"
            one.cell.inputs = {"weights": {"/home/someone/nlm.safetensors": "ab" * 32}}
            one.cell.opened = {"nlm/table.npy": "cd" * 32}
    return found


def formulas() -> list[Record]:
    """Methods and items whose names a spreadsheet, a script or a folder would take for something else."""
    items = [f"../{HOSTILE}{k}" for k in range(12)]
    return [record(name, {"psnr": BASE - i - i * WOBBLE}, items=items) for i, name in enumerate(FORMULAS)]


def ties() -> list[Record]:
    """Numbers that lie between two that can be printed, and numbers that only seem to."""
    values = {"a": (1.145, 0.0078125, 0.125), "b": (0.125, 0.1, 2.125), "c": (8.165, 0.00390625, 1000.5),
              "d": (1.005, 0.5, 12.25), "e": (1.0, 1.223e-6, 1.5), "f": (1.25, 8.682e-7, 1.5)}  # fmt: skip
    blind = {"blind": True}
    scores = [record(name, {"psnr": [v[0]] * 6, "mse": [v[1]] * 6}, flags=blind) for name, v in values.items()]
    return [*scores, *(cost_record(name, p50=v[2]) for name, v in values.items())]


NAMES, LONG = ("logistic_regression", "dpm_solver_2m"), "data=hidden(of=digits(split=train)), steps=49"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("noisebench.report.write.draw_all", lambda *_: ([], []))
        of_long_names = [record(name, {"psnr": BASE - i}, display=f"{name}({LONG})") for i, name in enumerate(NAMES)]
        for name, records in (
            ("ordinary", with_weights()), ("formulas", formulas()), ("ties", ties()), ("long", of_long_names)
        ):  # fmt: skip
            kept = leave_pictures(folder / "store", records) if name == "ordinary" else None
            write_report(records, folder / name, kept=kept)
        write_report(rivals(), folder / "rivals", kept=leave_all(folder / "rivals_store", rivals()))
        records = ordinary()
        patch.setattr("noisebench.report.page.previews.MAX_BYTES", 400)
        write_report(records, folder / "beside", kept=leave_pictures(folder / "other", records), pages=True)
    names = ("ordinary", "formulas", "ties", "long", "rivals", "beside")
    return {name: folder / name / "leaderboard.html" for name in names}


def report_rows(page_file: Path, **where: str) -> dict[str, dict[str, str]]:
    """The rows of leaderboard.csv by method."""
    with (page_file.parent / "leaderboard.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row[k] == v for k, v in where.items())]
    return {row["method"]: row for row in rows if row["outcome"] == "ok"}


def downloaded(page: Any) -> tuple[str, list[dict[str, str]]]:
    """Name and rows of the CSV that the page gives."""
    with page.expect_download() as waiting:
        page.keyboard.press("d")
    with Path(waiting.value.path()).open(newline="", encoding="utf-8") as file:
        return waiting.value.suggested_filename, list(csv.DictReader(file))


@in_browser
def test_a_long_name_that_is_cut_keeps_the_name_of_the_method(opened):
    page = opened("long")
    page.locator("#items").scroll_into_view_if_needed()
    heads = page.locator("#items thead th").all_text_contents()[1:]
    assert [head.partition("…")[0] for head in heads] == list(NAMES)
    assert all(head.endswith("9)") for head in heads)


# ---------------------------------------------------------------------------------------------------- CSV


@in_browser
def test_the_csv_has_the_rows_in_view_with_the_numbers_of_the_report(opened, pages):
    page = opened(state="r=gaussian(sigma%3D25)&sort=-%3Dssim")
    name, rows = downloaded(page)
    assert name == "leaderboard_photos_gaussian-sigma-25_psnr.csv"
    assert [row["method"] for row in rows] == methods(page) == ["median", "nlm", "identity", "blur"]
    report = report_rows(pages["ordinary"], dataset="photos", regime="gaussian(sigma=25)")
    numbers = ["rank_low", "rank_high", "psnr", "ssim", "difference", "interval_low", "interval_high",
               "worst_5_percent", "latency_p50_ms", "latency_rel", "peak_memory_bytes", "params"]  # fmt: skip
    for row in rows:
        assert {k: row[k] and float(row[k]) for k in numbers} == {
            k: report[row["method"]][k] and float(report[row["method"]][k]) for k in numbers
        }
    assert rows[1]["difference_to"] == "the best" and rows[0]["flags"] == "blind" and rows[0]["difference"][0] == "-"
    page.locator('[data-k="filter"]').fill("blind")
    page.locator('[data-k="filter"]').blur()
    assert [row["method"] for row in downloaded(page)[1]] == ["median"]


@in_browser
def test_no_text_of_the_csv_is_a_formula(opened):
    rows = downloaded(opened("formulas"))[1]
    assert [row["method"] for row in rows] == [spreadsheet(name) for name in FORMULAS]
    assert [float(row["difference"]) < 0 for row in rows[1:]] == [True] * 4


@in_browser
def test_numbers_are_rounded_as_the_other_files_round_them(opened, pages):
    page = opened("ties")
    page.keyboard.press("c")
    page.wait_for_function("copied.length === 1")
    assert page.evaluate("copied[0]") in (pages["ties"].parent / "leaderboard.md").read_text()
    assert not missing_from(page.evaluate("copied[0]"), "1.223e−06", "8.682e−07")


# -------------------------------------------------------------------------------------------------- ticks


@in_browser
def test_ticked_methods_alone_are_compared_and_keep_their_ranks(opened):
    page = opened()
    page.wait_for_selector("#look img")
    ranks = dict(zip(methods(page), page.locator("td.rank .text").all_inner_texts(), strict=True))
    gaps = dict(zip(methods(page), page.locator("td.gap .text").all_inner_texts(), strict=True))
    for name in ("median", "blur"):
        page.get_by_label(f"Tick {name}", exact=True).focus()
        page.keyboard.press("Space")
    assert methods(page) == ["nlm", "median", "identity", "blur"], "a tick alone hides nothing"
    page.keyboard.press("o")
    assert methods(page) == ["median", "blur"]
    assert page.locator("td.rank .text").all_inner_texts() == [ranks["median"], ranks["blur"]]
    assert page.locator("td.gap .text").all_inner_texts() == [gaps["median"], gaps["blur"]]
    said = page.locator("#board .only").inner_text()
    assert not missing_from(said, "2 of 4 methods", "Ranks", "intervals", "whole board")

    def names(where: str) -> list[str]:
        return [text.split(",")[0] for text in page.locator(where).evaluate_all("a => a.map((e) => e.ariaLabel)")]

    assert sorted(names("#pareto .point")) == ["blur", "median"]
    assert page.locator("#curves .series").evaluate_all("a => a.map((e) => e.ariaLabel.split(',')[0])") == [
        "median",
        "blur",
    ]
    assert page.locator("#look .strip b").all_text_contents() == ["clean picture", "noisy input", "median", "blur"]
    assert page.locator("#items thead th").all_text_contents()[1:] == ["median", "blur"]
    page.keyboard.press("v")
    assert page.locator('[data-k="vb"] option').all_inner_texts()[2:] == ["median", "blur"]
    page.keyboard.press("Escape")
    again = opened(state=address(page))
    assert methods(again) == ["median", "blur"]
    again.get_by_role("button", name="Show all").click()
    assert methods(again) == ["nlm", "median", "identity", "blur"] and "ticks" not in address(again)


@in_browser
def test_without_a_tick_left_all_methods_are_shown(opened):
    page = opened(state="ticks=blur%0Anlm&only=1")
    for name in ("blur", "nlm"):
        page.get_by_label(f"Tick {name}", exact=True).press("Space")
    assert len(methods(page)) == 4 and "only" not in address(page)
    page = opened(state="ticks=blur%0Anlm&only=1&d=textures&r=gaussian(sigma%3D25)")
    assert methods(page) == ["nlm"]


# ---------------------------------------------------------------------------------------------- reference


@in_browser
@pytest.mark.parametrize("metric", ["psnr", "ssim"])
def test_differences_to_another_method_are_those_of_the_paired_test(opened, pages, metric):
    page = opened(state=f"m={metric}")
    choose(page, "ref", "blur")
    assert f"Δ {metric} to blur [95 %]" in page.locator("table.board thead").inner_text()
    rows = {row["method"]: row for row in downloaded(page)[1]}
    assert {row["difference_to"] for row in rows.values()} == {"blur"}
    scores = (
        {"nlm": BASE + WOBBLE, "median": BASE - 3 - WOBBLE}
        if metric == "psnr"
        else {"nlm": BASE / 45, "median": BASE / 40}
    )
    blur = BASE - 12 + 5 * WOBBLE if metric == "psnr" else BASE / 70
    for name, own in scores.items():
        assert float(rows[name]["difference"]) == pytest.approx((own - blur).mean(), rel=1e-6)
        assert (
            float(rows[name]["interval_low"]) <= float(rows[name]["difference"]) <= float(rows[name]["interval_high"])
        )
    assert (float(rows["blur"]["difference"]), rows["blur"]["interval_low"]) == (0, "")
    if metric == "psnr":  # The same interval from the other side: the report has that of blur to the best.
        best = report_rows(pages["ordinary"], dataset="photos", regime="gaussian(sigma=15)")["blur"]
        for mine, theirs in (
            ("difference", "difference"),
            ("interval_low", "interval_high"),
            ("interval_high", "interval_low"),
        ):
            assert float(rows["nlm"][mine]) == pytest.approx(-float(best[theirs]), rel=1e-6)
    decimals = 2 if metric == "psnr" else 4
    shown = page.locator("td.gap .text").first.inner_text().replace("−", "-")
    first = rows[methods(page)[0]]
    assert shown == "{difference:.{d}f} [{interval_low:.{d}f}, {interval_high:.{d}f}]".format(
        d=decimals, **{k: float(first[k]) for k in ("difference", "interval_low", "interval_high")}
    )
    assert "reference" in page.locator("td.gap .text").all_inner_texts()
    assert opened(state=address(page)).locator('[data-k="ref"]').input_value() == "blur"


@in_browser
def test_a_reference_that_is_not_on_the_board_leaves_the_best(opened):
    page = opened(state="ref=bm3d")
    assert "Differences to bm3d are not known here" in page.locator("#board .only").inner_text()
    assert page.locator("td.gap .text").first.inner_text() == "best"


@pytest.mark.parametrize("metric", ["psnr", "mse"])
def test_every_row_has_its_difference_to_every_other(metric):
    noise = np.random.default_rng(0).normal(0, 0.2, (4, 12))
    (board,) = boards([record(name, {metric: BASE - i + noise[i]}, rank_by=metric) for i, name in enumerate("abcd")])
    values = np.stack([row.scores[metric].values for row in board.rows])
    for i, row in enumerate(board.rows):
        assert row.to_others is not None and np.isnan(row.to_others[i]).all()
        others = [k for k in range(4) if k != i]
        assert row.to_others[others, 0] == pytest.approx((values[i] - values[others]).mean(axis=1))
        apart = (row.to_others[others, 1] > 0) | (row.to_others[others, 2] < 0)
        assert [board.rows[k].label in row.apart for k in others] == list(apart)
        if i:
            assert (row.difference, row.interval) == (pytest.approx(row.to_others[0, 0]), tuple(row.to_others[0, 1:]))


def test_a_page_has_no_more_pairs_than_it_says(monkeypatch):
    data = report_data(ordinary(), "x")
    pairs = 3 * 6  # Four methods on three boards; a fourth board has one method.

    def shipped(most: int) -> list[list[bool]]:
        monkeypatch.setattr("noisebench.report.page.data.MAX_PAIRS", most)
        return [["pairs" in scores for scores in board["scores"]] for board in page_data(data, [])["boards"]]

    assert shipped(2 * pairs) == [[True, True]] * 3 + [[False]]
    assert shipped(2 * pairs - 1) == shipped(pairs) == [[True, False]] * 3 + [[False]]
    assert shipped(pairs - 1) == [[False, False]] * 3 + [[False]]


def test_a_method_without_a_score_by_one_metric_is_paired_by_the_other_alone():
    records = [record(name, {"psnr": BASE - i * WOBBLE, "ssim": BASE / 50}) for i, name in enumerate("ab")]
    records.append(record("c", {"psnr": BASE - 3 * WOBBLE}))
    (board,) = page_data(report_data(records, "x"), [])["boards"]
    assert [scores["pairs"]["of"] for scores in board["scores"]] == [[0, 1, 2], [0, 1]]


# -------------------------------------------------------------------------------------------------- blink


@in_browser
def test_blinking_shows_one_picture_in_the_place_of_the_other(opened):
    page = opened(state="item=p000&a=nlm&b=median&zoom=6&at=10,12")
    decoded(page)

    def edges() -> list[int]:
        """Where the picture begins and ends on the middle line of the stage."""
        return page.evaluate(
            """() => { const c = document.querySelector('.viewer canvas');
            const one = new OffscreenCanvas(c.width, 1).getContext('2d');
            one.drawImage(c, 0, -Math.floor(c.height / 2));
            const d = one.getImageData(0, 0, c.width, 1).data;
            const lit = [...Array(c.width).keys()].filter((x) => d[4 * x] > 50);
            return [lit[0], lit[lit.length - 1]]; }"""
        )

    seen = []
    for _ in range(3):
        page.keyboard.press("b")
        seen.append([edges(), shade(page, 0.48)[0], shade(page, 0.52)[0]])
    a, b = SHADES["nlm"], SHADES["median"]
    assert [shades for _, *shades in seen] == [[a, a], [b, b], [a, a]]
    assert seen[0][0] == seen[1][0] and 0 < seen[0][0][0] < seen[0][0][1] and "zoom=6&at=10%2C12" in address(page)
    assert page.locator(".viewer .unseen").inner_text() == "A: nlm"
    page.locator('[data-k="vBlink"]').click()
    assert shade(page, 0.5)[0] == b and page.locator(".viewer .unseen").inner_text() == "B: median"
    page.keyboard.press("s")
    assert "mode=side" in address(page)


@in_browser
def test_blinking_by_itself_is_off_until_asked_for_and_stops(opened):
    page = opened(state="item=p000&a=nlm&b=median&mode=blink")
    decoded(page)
    watch = """() => new Promise((done) => { const seen = []; const from = performance.now();
        const t = setInterval(() => {
        seen.push(document.querySelector('.viewer .status span:nth-child(2)').textContent.includes('shown'));
        if (performance.now() - from < 900) return;
        clearInterval(t);
        done([seen.filter((v, i) => i && v !== seen[i - 1]).length, performance.now() - from]); }, 40); })"""
    assert page.evaluate(watch)[0] == 0
    page.keyboard.press("B")
    assert page.locator('[data-k="vAuto"]').get_attribute("aria-pressed") == "true"
    changes, ms = page.evaluate(watch)
    assert 1 <= changes <= ms / 333 + 1
    page.keyboard.press("B")
    assert page.evaluate(watch)[0] == 0


@in_browser
def test_nothing_blinks_by_itself_where_less_motion_is_asked_for(opened):
    page = opened(
        state="item=p000&a=nlm&b=median&mode=blink&zoom=4",
        viewport={"width": 900, "height": 700},
        reduced_motion="reduce",
    )
    decoded(page)
    assert page.locator('[data-k="vAuto"]').is_disabled()
    page.keyboard.press("B")
    page.wait_for_timeout(400)
    assert shade(page, 0.5)[0] == SHADES["nlm"]
    page.keyboard.press("b")
    assert shade(page, 0.5)[0] == SHADES["median"]


# -------------------------------------------------------------------------------------------- method page


@in_browser
def test_a_method_has_a_page_and_back_leads_to_the_board(opened):
    page = opened(state="r=gaussian(sigma%3D25)")
    page.locator("table.board .link", has_text="nlm").focus()
    page.keyboard.press("Enter")
    assert "method=nlm" in address(page) and page.evaluate("document.activeElement.textContent") == "nlm"
    card = page.locator("#method").text_content()
    for text in ("patches", "weights nlm.safetensors", "ab" * 32, "weights nlm/table.npy", "cd" * 32):
        assert text in card
    assert "someone" not in page.content(), "no path of the machine is published"
    found = [row.locator("th, td").all_text_contents() for row in page.locator("#boards tbody tr").all()]
    assert [cells[0] for cells in found] == [
        *(f"photos · gaussian(sigma={s})" for s in (15, 25, 50)),
        "textures · gaussian(sigma=25)",
    ]
    assert found[1][1:] == [
        "1 of 4",
        f"{(BASE - 3 + WOBBLE).mean():.2f}",
        f"{(BASE / 45).mean():.4f}",
        "best",
    ]
    assert "p50 ms" in page.locator("#cost").text_content()
    page.go_back()
    assert methods(page)[0] == "nlm" and "sigma=25" in page.locator('[data-k="regime"] option:checked').inner_text()
    page.go_forward()
    page.locator("#boards .link").nth(2).click()
    assert "sigma=50" in page.locator('[data-k="regime"] option:checked').inner_text() and methods(page)[0] == "nlm"


@in_browser
def test_the_page_of_a_method_shows_what_it_is_worst_on(opened):
    page = opened(state="method=blur")
    lowest, furthest = page.locator("#worst .strip").all()
    scores, gaps = BASE - 19 + 5 * WOBBLE, 12 - 4 * WOBBLE
    worst = [f"p{i:03d}" for i in np.argsort(scores)[:6]]
    assert lowest.locator("b").all_text_contents() == worst
    assert lowest.locator("i").first.text_content() == f"{scores.min():.2f} dB"
    assert lowest.locator("i").nth(2).text_content() == "photos · gaussian(sigma=50)"
    assert furthest.locator("b").all_text_contents() == [f"p{i:03d}" for i in np.argsort(-gaps, kind="stable")[:6]]
    assert furthest.locator("i").nth(1).text_content() == f"{gaps.max():.2f} dB behind nlm"


@in_browser
def test_a_worst_picture_is_shown_and_opens_beside_the_best_method_on_it(opened, pages):
    page = opened("rivals", state="method=a")
    page.wait_for_selector("#worst img")
    previews = page_previews(boards(rivals()), KeptPreviews.in_store(pages["rivals"].parent.parent / "rivals_store"))
    entries = {entry["item"]: entry for entry in previews.items[0]}
    pictures = page.locator("#worst .strip").evaluate_all("a => a.map((e) => e.querySelector('img').src)")
    assert pictures == [previews.addresses[entries[item]["outputs"][0]] for item in ("p009", "p004")]
    page.locator("#worst img").last.click()
    decoded(page)
    assert [page.locator(f'[data-k="{k}"]').input_value() for k in ("vitem", "va", "vb")] == ["p004", "b", "a"]
    page.keyboard.press("Escape")
    assert page.locator("#method").count() == 1


@in_browser
def test_a_method_that_only_failed_has_a_page_with_its_reasons(opened):
    page = opened()
    page.locator("#failures .link", has_text="bm3d").click()
    assert page.locator("#method h2").inner_text() == "bm3d"
    assert "needs the package bm3d" in page.locator("#failures").text_content()
    assert page.locator("#boards, #worst").count() == 0
    page.keyboard.press("Escape")
    assert page.locator("#board").count() == 1


@in_browser
def test_hostile_names_are_text_on_the_page_of_a_method_and_in_ticks(opened):
    page = opened("formulas")
    page.locator("table.board .link").last.click()
    assert page.locator("#method h2").inner_text() == " ".join(HOSTILE.split())
    assert f"../{HOSTILE}9" in page.locator("#worst").text_content()
    page.go_back()
    page.locator(".tick").last.click()
    page.keyboard.press("o")
    choose(page, "ref", " ".join(HOSTILE.split()))
    assert methods(page) == [" ".join(HOSTILE.split())]
    again = opened("formulas", state=address(page))
    assert methods(again) == methods(page)
    assert again.evaluate("window.evil") is None and again.locator("img[src=x], [onerror]").count() == 0


# ---------------------------------------------------------------------------------------------------- axe


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_no_serious_finding_where_methods_are_compared(opened, scheme):
    page = opened(
        state="ticks=nlm%0Ablur&only=1&ref=blur", viewport={"width": 1440, "height": 900}, color_scheme=scheme
    )
    page.wait_for_selector("#look img")
    assert findings(page, "#board") == []
    page.keyboard.press("v")
    decoded(page)
    page.keyboard.press("b")
    assert findings(page, "dialog.viewer") == []


# -------------------------------------------------------------------------------------- which previews


def test_an_item_tells_methods_apart_by_its_spread_over_the_usual_one():
    values = np.array([[30.0, 30.0, 30.0, np.inf], [28.0, 22.0, 29.0, 29.0], [29.0, 26.0, 29.5, 29.0]])
    spread = [values[:, 0].std(), values[:, 1].std(), values[:, 2].std(), 0.0]
    assert relative_spread(values) == pytest.approx(np.array(spread) / np.median(spread))
    assert relative_spread(np.ones((2, 3))) == pytest.approx(1.0)
    assert np.isfinite(relative_spread(np.array([[1e300, 1.0, 2.0], [-1e300, 2.0, 2.0]]))).all()
    assert worst_cases(values, True, [0, 1, 2], 2) == [(0, 0), (1, 1)]
    assert worst_cases(-values, False, [0, 2], 2) == [(0, 0), (0, 0)]


def rivals() -> list[Record]:
    """On p007 methods are far apart; a is worst on p009 and furthest behind on p004, b on p002."""
    a, b = BASE * 0 + 30, BASE * 0 + 29.5
    a[7], b[7] = 36.0, 27.0
    a[9], b[9] = 20.0, 19.9
    a[4], b[4] = 29.0, 31.5
    b[2] = 27.0
    return [record("a", {"psnr": a}), record("b", {"psnr": b}), record("identity", {"psnr": BASE * 0 + 15.0})]


def test_the_most_telling_item_comes_first_and_worst_cases_next():
    (board,) = boards(rivals())
    found = order_items(board, TILED)
    assert [one.item for one in found][:3] == ["p007", "p004", "p009"]
    assert found[0].worst_of == (1,) and found[1].worst_of == (0,) and found[2].worst_of == (0, 1)
    assert [one.item for one in found[3:]] == ["p002", "p000", "p001", "p003", "p005", "p006", "p008", "p010", "p011"]
    assert found[0].tells == 18.0
    assert [one.item for one in order_items(board, ["p003", "p002", "gone"])] == ["p002", "p003", "gone"]


def leave_all(store: Path, records: list[Record]) -> KeptPreviews:
    """Pictures of noise of all twelve items, so that none of them is another's."""
    for cell in (r.cell for r in records):
        outputs = cell_dir(store, cell.key) / "outputs"
        outputs.mkdir(parents=True)
        for index, item in enumerate(TILED):
            rng = np.random.default_rng([index, *cell.method.name.encode()])
            noisy = np.random.default_rng(index).random((16, 16, 1)).astype(np.float32)
            leave_view(store, outputs, index, Sample(item, (noisy[:, :, 0] * 255).astype(np.uint8)), noisy,
                       rng.random((16, 16, 1)).astype(np.float32))  # fmt: skip
    return KeptPreviews.in_store(store)


def test_a_small_page_keeps_the_pictures_that_tell_most(tmp_path, monkeypatch):
    records = rivals()
    kept = leave_all(tmp_path, records)
    whole = page_previews(boards(records), kept, "pictures")
    assert [entry["item"] for entry in whole.items[0]] == TILED and whole.note == ""
    size = sum(len(url) for url in whole.addresses) * 3 // 4
    monkeypatch.setattr("noisebench.report.page.previews.MAX_BYTES", size // 4 + 200)
    shown = page_previews(boards(records), kept, "pictures")
    assert [entry["item"] for entry in shown.items[0]] == ["p004", "p007", "p009"], "in the order of the dataset"
    assert shown.items[0][1]["outputs"].keys() == {0, 1, 2}
    outputs = sum(len(entry["outputs"]) for entry in shown.items[0])
    assert shown.note.startswith(f"{outputs} of 36 previews ")
    assert not missing_from(shown.note, "MiB of previews", "tell methods apart most", "worst cases of the 3 best")
    assert shown.beside == {} and page_previews(boards(records), kept, "pictures") == shown


@in_browser
def test_the_most_telling_picture_is_shown_first(opened):
    page = opened(state="r=gaussian(sigma%3D50)")
    page.wait_for_selector("#look img")
    tells = {
        item: relative_spread(np.stack([BASE + WOBBLE, BASE - 3 - WOBBLE, BASE - 12 + 5 * WOBBLE]))[i]
        for i, item in ((0, "p000"), (5, "p005"))
    }
    most = max(tells, key=lambda item: tells[item])
    assert page.locator('[data-k="strip-item"]').input_value() == most
    assert (
        page.locator("#look").get_by_text(f"{most}: methods are {float(f'{tells[most]:.3g}'):g} × as far apart").count()
        == 1
    )


@in_browser
def test_previews_beyond_the_limit_lie_beside_the_page_when_asked(opened, pages, chromium):
    folder = pages["beside"].parent / BESIDE
    files = sorted(folder.iterdir())
    source = pages["beside"].read_text()
    addresses = json.loads(re.findall(r'id="previews">(.*?)</script>', source, re.DOTALL)[0])
    linked = sorted(a for a in addresses if not a.startswith("data:"))
    assert linked == [f"{BESIDE}/{file.name}" for file in files] and 0 < len(linked) < len(addresses) == 10
    assert all(re.fullmatch(r"p00[05]-[0-9a-f]{16}\.png", file.name) for file in files)
    chromium.files.update({file.name: file for file in files})
    page = opened("beside", state="item=p005&a=:given&b=median")
    decoded(page)
    # A canvas with a picture of another file cannot be read: what is on the screen can.
    screen = cv2.imdecode(np.frombuffer(page.locator(".viewer canvas").screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE)
    height, width = screen.shape
    shades = [int(screen[height // 2, int(share * width)]) for share in (0.45, 0.55)]
    assert shades == [NOISY + 30, SHADES["median"] + 30]
    assert (
        page.locator("#look img[loading=lazy]").count() > 0
        and f"in {BESIDE} beside it" in page.locator("#look").text_content()
    )


def test_names_of_pictures_beside_the_page_are_safe(tmp_path, monkeypatch):
    records = [record("nlm", {"psnr": BASE}, items=[f"../../{HOSTILE}{k}" for k in range(12)])]
    outputs = cell_dir(tmp_path / "store", records[0].cell.key) / "outputs"
    outputs.mkdir(parents=True)
    flat = np.ones((32, 32, 1), np.float32)
    leave_view(
        tmp_path / "store", outputs, 0, Sample(records[0].items[0], flat[:, :, 0].astype(np.uint8)), flat / 2, flat / 3
    )
    monkeypatch.setattr("noisebench.report.page.previews.MAX_BYTES", 0)
    shown = page_previews(boards(records), KeptPreviews.in_store(tmp_path / "store"), beside=True)
    assert len(shown.beside) == 3
    assert all(re.fullmatch(BESIDE + r"/script-[a-z0-9-]*-[0-9a-f]{16}\.png", name) for name in shown.beside)


def test_a_report_without_pages_leaves_no_pictures_beside_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("noisebench.report.page.previews.MAX_BYTES", 400)
    monkeypatch.setattr("noisebench.report.write.draw_all", lambda *_: ([], []))
    records = ordinary()
    kept = leave_pictures(tmp_path / "store", records)
    own = tmp_path / "board" / BESIDE / "holiday.png"
    write_report(records, tmp_path / "board", kept=kept)
    assert not own.parent.exists()
    written = write_report(records, tmp_path / "board", kept=kept, pages=True)
    assert sum(file.parent == own.parent for file in written) == len(list(own.parent.iterdir())) > 0
    own.write_bytes(b"mine")
    write_report(records, tmp_path / "board", kept=kept)
    assert list(own.parent.iterdir()) == [own], "only what a report wrote is removed"
    assert main(["report", str(tmp_path / "store"), "--bundle", str(tmp_path / "paper"), "--pages"]) == 2
    assert not missing_from(capsys.readouterr().err, "--pages", "--bundle", "--to")
