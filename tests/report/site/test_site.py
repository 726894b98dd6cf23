"""A site: its pages and links, hostile names, what changed between builds, and what is refused."""

from __future__ import annotations

import io
import json
import os
import re
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from board_records import record
from browser import BASE, HOSTILE, WOBBLE, findings, in_browser, leave_pictures, ordinary
from noisebench.claims.effects import Effect, all_claims
from noisebench.claims.systems import judged_systems, read_systems
from noisebench.cli import main
from noisebench.report.site import boards as site_boards
from noisebench.report.site.boards import board_name, flac_of, small_page, webp_of
from noisebench.report.site.build import BoardSource
from noisebench.report.site.components import component_page
from noisebench.report.site.markup import element, with_links
from noisebench.report.site.systems import system_site_page
from noisebench.report.write import data_to_report
from noisebench.store.results import Results
from noisebench.text.errors import UsageError
from site_examples import CATALOGUE, NOW, Page, broken_links, build, component, source, text_of

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board with previews, and one of methods and pictures with hostile names."""
    folder = tmp_path_factory.mktemp("site")
    records = ordinary()
    kept = leave_pictures(folder / "store", records)
    hostile = [
        record("nlm", {"psnr": BASE}, display=HOSTILE, source="a", dataset="textures"),
        record("median", {"psnr": BASE + WOBBLE}, source="b", dataset="textures"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site_boards, "draw_all", lambda _: ([], []))
        ordinary_source = BoardSource("ordinary", lambda: Results.of(records), lambda: kept)
        build(folder / "site", ordinary_source, source("hostile", hostile))
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Path]:
    names = {
        "home": "index.html", "boards": "boards/index.html", "board": "boards/ordinary.html",
        "hostile": "boards/hostile.html", "system": "systems/2.html", "systems": "systems/index.html",
        "method": "methods/restore/nlm.html", "methods": "methods/index.html",
        "dataset": "datasets/restore/photos.html",
        "changes": "changes.html",
    }  # fmt: skip
    return {name: site / path for name, path in names.items()}


def page(site: Path, path: str) -> Page:
    return Page((site / path).read_text(encoding="utf-8"))


def searched(site: Path) -> list[list[str]]:
    """What the search of the home page has."""
    text = (site / "index.html").read_text(encoding="utf-8")
    things: list[list[str]] = json.loads(text.partition('id="index">')[2].partition("</script>")[0])
    return things


def documented(site: Path, index: str) -> None:
    """Put documentation where a site will be, with the index of its search."""
    (site / "docs" / "search").mkdir(parents=True)
    (site / "docs" / "index.html").write_text("<title>Start</title>", encoding="utf-8")
    (site / "docs" / "search" / "search_index.json").write_text(index, encoding="utf-8")


# ----------------------------------------------------------------------------------------- pages and links


def test_every_link_within_the_site_leads_somewhere(site):
    assert list(broken_links(site)) == []


def test_each_page_has_one_heading_its_landmarks_and_a_policy_that_fetches_nothing(site):
    for path in site.rglob("*.html"):
        tags = [tag for tag, _ in page(site, str(path.relative_to(site))).elements]
        text = path.read_text(encoding="utf-8")
        assert "default-src 'none'" in text and "require-trusted-types-for 'script'" in text
        if path.parent.name != "boards" or path.name == "index.html":
            assert [tags.count(tag) for tag in ("h1", "main", "nav", "header", "footer")] == [1] * 5, path


def test_the_home_page_says_what_noisebench_is_and_leads_to_boards_and_changes(site):
    home = page(site, "index.html")
    assert "noisebench measures how well" in home.text
    assert {"boards/ordinary.html", "boards/index.html", "changes.html", "feed.xml"} <= {*home.addresses}


def test_the_home_page_has_the_largest_boards_of_a_track_and_leads_to_all(tmp_path):
    one = [record("nlm", {"psnr": BASE})]
    two = [*one, record("median", {"psnr": BASE - 3})]
    build(tmp_path, *(source(f"board{i}", one if i in (2, 5) else two) for i in range(8)))
    home = page(tmp_path, "index.html")
    shown = [address for address in home.addresses if address.startswith("boards/board")]
    assert shown == [f"boards/board{i}.html" for i in (0, 1, 3, 4, 6, 7)] and "2 more boards" in home.text


def test_the_search_has_boards_systems_methods_and_datasets(site):
    things = searched(site)
    assert {("ordinary", "board"), ("nlm", "method, restore"), ("photos", "dataset, restore")} <= {
        (name, kind) for name, kind, *_ in things
    }
    assert sum(kind == "system" for _, kind, *_ in things) == 3


def test_the_search_has_each_level_at_its_place_on_its_board(site):
    levels = [thing for thing in searched(site) if thing[1] == "level of ordinary"]
    (board,) = (thing for thing in searched(site) if thing[:2] == ["ordinary", "board"])
    assert len(levels) == 4 and len({address for _, _, address, _ in levels}) == 4
    assert all(address.startswith(f"{board[2]}#") for _, _, address, _ in levels)


def test_the_search_has_the_pages_of_the_documentation_as_text(tmp_path):
    pages = [
        {"location": "", "title": "Start", "text": "<p>What it is</p>"},
        {"location": "a/check.html", "title": "The gate: <code>check</code> &lt;b&gt;", "text": "<p>Fails.</p>"},
        {"location": "a/check.html#exit", "title": "Exit codes", "text": ""},
        {"location": "javascript:alert(1)//.html", "title": "hostile", "text": ""},
        {"location": "../../secret.html", "title": "hostile", "text": ""},
    ]
    documented(tmp_path, json.dumps({"docs": pages}))
    build(tmp_path, source("board", [record("nlm", {"psnr": BASE})]))
    found = [thing for thing in searched(tmp_path) if thing[1] == "documentation"]
    assert found == [
        ["Start", "documentation", "docs/index.html", "What it is"],
        ["The gate: check <b>", "documentation", "docs/a/check.html", "Fails."],
    ]


@pytest.mark.parametrize("index", ["no JSON", "[]", '{"docs": [3]}', '{"docs": {"location": 1}}', "[" * 100_000])
def test_a_damaged_index_of_the_documentation_leaves_its_pages_out(tmp_path, index):
    documented(tmp_path, index)
    build(tmp_path, source("board", [record("nlm", {"psnr": BASE})]))
    assert not [thing for thing in searched(tmp_path) if thing[1] == "documentation"]


def test_levels_on_several_boards_are_in_one_row_where_their_scores_compare(tmp_path):
    one, other = record("nlm", {"psnr": BASE}), record("median", {"psnr": BASE - 1})
    another_seed = record("nlm", {"psnr": BASE}, seed=1)
    build(tmp_path, source("a", [one]), source("b", [other]), source("c", [another_seed]))
    text = (tmp_path / "boards" / "index.html").read_text(encoding="utf-8")
    several = text.partition('id="several"')[2].partition("</table>")[0]
    rows = [Page(row).addresses for row in several.split("<tr")[2:]]
    assert sorted([address.partition(".html")[0] for address in row] for row in rows) == [["a", "b"], ["c"]]


def test_boards_are_found_by_track_task_and_dataset(site):
    text = page(site, "boards/index.html").text
    assert "White Gaussian noise." in text and "Items are pictures." in text
    addresses = page(site, "boards/index.html").addresses
    assert "../datasets/restore/photos.html" in addresses
    assert any(one.startswith("ordinary.html#d=textures") for one in addresses)


def test_a_method_has_its_docstring_its_parameters_and_its_place_on_each_level(site):
    shown = page(site, "methods/restore/nlm.html")
    assert "nlm(h=0.6)" in shown.text and "Buades 2005" in shown.text and "an example" in shown.text
    assert "https://example.org/nlm" in shown.addresses
    levels = [one for one in shown.addresses if one.startswith("../../boards/ordinary.html#")]
    assert len(levels) == 4 and "1 of 4" in shown.text


def test_a_dataset_has_its_licence_and_the_boards_that_use_it(site):
    shown = page(site, "datasets/restore/photos.html")
    assert "public domain" in shown.text
    assert sum(one.startswith("../../boards/ordinary.html#") for one in shown.addresses) == 3


def test_a_component_on_no_board_says_so():
    assert b"On no board of this site." in component_page(component("bm3d"), "method", [], {})


def test_a_system_has_its_verdicts_and_how_to_use_it(site):
    shown = page(site, "systems/2.html")
    system = CATALOGUE.systems[1]
    assert all(one.name.replace("_", " ") in shown.text for one in system.headlines)
    assert f"noisebench run {system.system.suites[0]}" in shown.text and system.files[0] in shown.text
    says = {claim.name: claim.says for claim in system.claims if isinstance(claim, Effect)}
    assert says and all(says[one.name] in shown.text for one in system.headlines)


def test_what_a_system_lacks_is_a_list_that_breaks_in_no_bracket():
    (aai,) = judged_systems([read_systems()[29]], all_claims())
    text = system_site_page(aai, {}, {}, {}).decode()
    items = text.partition("What did not show here")[2].partition("</ul>")[0].split("<li>")[1:]
    assert len(items) > 2 and all(item.count("(") == item.count(")") for item in items)


# --------------------------------------------------------------------------------------------- hostile names


def test_hostile_names_are_text_on_every_page(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<img src=x" not in text and "<b>_x_" not in text, path
    assert HOSTILE in page(site, "methods/restore/nlm.html").text


def test_only_http_addresses_become_links():
    text = 'see javascript:alert(1), data:text/html,x and https://example.org/a"onclick="b <https://ok.org/>.'
    shown = with_links(text, trusted=False).text
    assert Page(shown).addresses == ["https://example.org/a", "https://ok.org/"]
    assert "onclick=&quot;" in shown and 'rel="noreferrer nofollow ugc"' in shown


def test_an_attribute_cannot_end_itself():
    assert element("a", '"x"', title='"><b>').text == '<a title="&quot;&gt;&lt;b&gt;">&quot;x&quot;</a>'


@pytest.mark.parametrize("name", ["../../x.parquet", "a b<.parquet", "…/site.parquet", "%2e%2e.parquet"])
def test_the_name_of_a_file_of_results_never_leads_out_of_the_site(name):
    made = board_name(Path(name))
    assert made and all(letter.isalnum() or letter in "-_" for letter in made)


# ---------------------------------------------------------------------------------------- size of a board


def test_previews_are_webp_where_that_is_smaller(site):
    text = (site / "boards" / "ordinary.html").read_text(encoding="utf-8")
    addresses = json.loads(text.partition('id="previews">')[2].partition("</script>")[0])
    assert addresses and {one.partition(";")[0] for one in addresses} <= {"data:image/webp", "data:image/png"}


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_no_pixel_changes_in_webp(mode):
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 4), np.uint8)
    picture = Image.fromarray(pixels).convert(mode)
    png = io.BytesIO()
    picture.save(png, "png")
    smaller = Image.open(io.BytesIO(webp_of(png.getvalue())))
    assert smaller.format == "WEBP"
    assert np.array_equal(np.asarray(smaller.convert(mode)), np.asarray(picture))


def test_what_is_no_png_stays_what_it_is():
    assert webp_of(b"\x89PNG\r\n\x1a\n and no more") == b"" and webp_of(b"GIF89a") == b""


def test_sounds_become_smaller_and_keep_every_sample():
    samples = (8_000 * np.sin(np.arange(4_000) / 9)).astype(np.int16)
    wav = io.BytesIO()
    soundfile.write(wav, samples, 8_000, format="WAV", subtype="PCM_16")
    flac = flac_of(wav.getvalue())
    assert 0 < len(flac) < len(wav.getvalue())
    values, rate = soundfile.read(io.BytesIO(flac), dtype="int16")
    assert rate == 8_000 and np.array_equal(values, samples)
    assert flac_of(b"RIFF\x24\x00\x00\x00WAVEfmt ") == b"" and flac_of(b"no sound") == b""


def test_a_page_leaves_out_plots_that_have_no_room_and_says_so():
    data = data_to_report(ordinary())
    whole = small_page(data, None, {"noisebench": "../index.html"})
    small = small_page(data, None, {"noisebench": "../index.html"}, most=len(whole) - 1)
    assert len(small) < len(whole) and b"plots have no room on this page" in small


# ------------------------------------------------------------------------------------- changes and the feed


def test_a_build_of_the_same_results_changes_no_byte(tmp_path):
    build(tmp_path / "s", source("a", ordinary()))
    before = text_of(tmp_path / "s")
    built = build(tmp_path / "s", source("a", ordinary()), now=NOW + timedelta(days=1))
    assert text_of(tmp_path / "s") == before and built.changes == []


def test_new_changed_and_gone_boards_and_another_best_method_are_told(tmp_path):
    two = [record("nlm", {"psnr": BASE}), record("median", {"psnr": BASE - 3})]
    build(tmp_path / "s", source("a", two), source("b", two), source("c", two))
    turned = [record("nlm", {"psnr": BASE - 5}), record("median", {"psnr": BASE - 3})]
    worse = [record("nlm", {"psnr": BASE}), record("median", {"psnr": BASE - 4})]
    later = NOW + timedelta(days=9)
    built = build(tmp_path / "s", source("a", turned), source("b", worse), source("d", two), now=later)
    assert [(one.kind, one.name) for one in built.changes] == [
        ("first", "a"), ("changed", "b"), ("new", "d"), ("gone", "c")
    ]  # fmt: skip
    assert "has median first on" in built.changes[0].text and "where nlm was" in built.changes[0].text
    assert not (tmp_path / "s" / "boards" / "c.html").exists()
    shown = page(tmp_path / "s", "changes.html").text
    assert "2026-05-13" in shown and "c is gone." in shown and "this site begins with 3 boards." in shown
    assert list(broken_links(tmp_path / "s")) == []


def test_many_boards_that_a_build_leaves_out_are_one_change(tmp_path):
    build(tmp_path / "s", *(source(name, ordinary()) for name in "abcdefg"))
    built = build(tmp_path / "s", source("a", ordinary()), now=NOW + timedelta(days=1))
    assert [(one.kind, one.name) for one in built.changes] == [("gone", "6 boards")]


def test_the_search_has_the_level_with_most_methods_first(tmp_path):
    few, many = [record("nlm", {"psnr": BASE})], ordinary()
    build(tmp_path / "s", source("a", few), source("b", many))
    text = (tmp_path / "s" / "index.html").read_text(encoding="utf-8")
    things = json.loads(re.search(r'id="index">(.*?)</script>', text, re.DOTALL)[1])
    assert [kind for _, kind, *_ in things if kind.startswith("level of")][:1] == ["level of b"]


def test_the_feed_is_atom_with_an_entry_a_build(tmp_path):
    build(tmp_path / "s", source("a", ordinary()))
    build(tmp_path / "s", source("a", ordinary()), source("b", ordinary()), now=NOW + timedelta(days=1))
    feed = ET.fromstring((tmp_path / "s" / "feed.xml").read_bytes())
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}updated") for entry in entries] == [
        "2026-05-05T12:00:00+00:00", "2026-05-04T12:00:00+00:00"
    ]  # fmt: skip
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == 2
    assert feed.findtext(f"{ATOM}updated") == "2026-05-05T12:00:00+00:00"
    assert "is new, with 4 levels" in (entries[0].findtext(f"{ATOM}content") or "")


# ---------------------------------------------------------------------------------------- what is refused


def test_a_folder_that_is_no_site_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"is no site .*site.json"):
        build(tmp_path, source("a", ordinary()))
    (tmp_path / "site.json").write_text('{"noisebench_site": "x"}')
    with pytest.raises(UsageError, match="is no site"):
        build(tmp_path, source("a", ordinary()))
    assert sorted(os.listdir(tmp_path)) == ["mine.txt", "site.json"]


def test_nothing_is_written_where_results_are_bad(tmp_path):
    for bad in ([source("a", [])], [source("a", ordinary()), source("A", ordinary())]):
        with pytest.raises(UsageError):
            build(tmp_path / "s", *bad)
        assert not (tmp_path / "s").exists()


def test_a_build_that_is_stopped_leaves_the_old_site_whole(tmp_path):
    build(tmp_path / "s", source("a", ordinary()))
    before = text_of(tmp_path / "s")

    def stop() -> Results:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "s", source("b", ordinary()), BoardSource("c", stop, lambda: None))
    assert text_of(tmp_path / "s") == before


def test_files_of_others_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("x")
    build(tmp_path, source("a", ordinary()))
    (tmp_path / "CNAME").write_text("example.org")
    build(tmp_path, source("b", ordinary()))
    assert (tmp_path / "CNAME").read_text() == "example.org" and (tmp_path / ".git" / "HEAD").read_text() == "x"
    assert sorted(os.listdir(tmp_path / "boards")) == ["b.html", "index.html"]


def test_documentation_that_is_there_already_is_linked_from_every_page(tmp_path):
    documentation = tmp_path / "docs" / "index.html"
    documentation.parent.mkdir()
    documentation.write_text("<title>documentation</title>")
    build(tmp_path, source("a", ordinary()))
    assert "docs/index.html" in page(tmp_path, "index.html").addresses and documentation.is_file()
    assert "../docs/index.html" in page(tmp_path, "boards/a.html").addresses
    assert "../../docs/index.html" in page(tmp_path, "methods/restore/nlm.html").addresses


def test_a_manifest_that_names_files_elsewhere_removes_none(tmp_path):
    (tmp_path / "precious").write_text("x")
    to = tmp_path / "s"
    build(to, source("a", ordinary()))
    manifest = json.loads((to / "site.json").read_text())
    manifest["files"] += ["../precious", str(tmp_path / "precious")]
    (to / "site.json").write_text(json.dumps(manifest))
    build(to, source("a", ordinary()))
    assert (tmp_path / "precious").is_file()


def test_a_link_in_the_place_of_a_folder_is_refused(tmp_path):
    to, elsewhere = tmp_path / "s", tmp_path / "elsewhere"
    build(to, source("a", ordinary()))
    elsewhere.mkdir()
    (to / "boards").rename(tmp_path / "old")
    (to / "boards").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="is a link: remove it"):
        build(to, source("a", ordinary()))
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("words, why", [
    (["missing.parquet", "--to", "s"], "missing.parquet is not there"),
    (["here.parquet", "--to", "here.parquet"], "is a file: name a folder"),
    (["here.parquet", "--to", "s"], "here.parquet"),
])  # fmt: skip
def test_the_command_says_in_a_line_what_is_wrong(tmp_path, monkeypatch, capsys, words, why):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("noisebench.cli.site._catalogue", lambda: CATALOGUE)
    Path("here.parquet").write_text("no parquet")
    assert main(["site", *words]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert why in said[-1] and not Path("s").exists()


# ------------------------------------------------------------------------------------------- the browser


@in_browser
@pytest.mark.parametrize("width, scheme", [(1440, "light"), (1024, "dark"), (390, "light")])
def test_no_page_scrolls_sideways_or_has_a_serious_finding(opened, pages, width, scheme):
    for name in pages.keys() - {"board", "hostile"}:  # whose findings are those of the page of a report
        shown = opened(name, viewport={"width": width, "height": 900}, color_scheme=scheme)
        assert shown.evaluate("document.documentElement.scrollWidth") <= width, name
        assert findings(shown) == [], name


@in_browser
def test_systems_are_chosen_by_verdict(opened):
    shown = opened("systems")
    assert shown.locator("tbody tr:visible").count() == len(CATALOGUE.systems)
    shown.locator("#filter input[value=no-difference]").check()
    differing = [one.system.name for one in CATALOGUE.systems if any(j.verdict == "differs" for j in one.judged)]
    assert shown.locator("tbody tr:visible td:nth-child(2)").all_text_contents() == differing
    assert 0 < len(differing) < len(CATALOGUE.systems)


@in_browser
def test_the_search_finds_by_all_words_and_is_reached_by_a_key(opened):
    home = opened("home")
    home.keyboard.press("/")
    home.keyboard.type("method nlm")
    assert home.locator("#found a").all_inner_texts() == ["nlm"]
    assert home.locator("#count").inner_text() == "1 found"
    home.locator("#found a").click()
    assert home.url.endswith("methods/restore/nlm.html")


@in_browser
def test_a_level_of_a_board_is_opened_by_its_link_and_leads_back(opened):
    method = opened("method")
    method.locator("main table a").last.click()
    assert method.locator("h2#board-h").inner_text() == "Board"
    assert method.locator('[data-k="dataset"]').input_value() == "textures"
    assert method.evaluate("document.documentElement.scrollWidth <= innerWidth")
    method.locator('nav[aria-label="Site"] a').first.click()
    assert method.url.endswith("/index.html")


@in_browser
def test_the_theme_is_kept_from_page_to_page(opened):
    home = opened("home", color_scheme="light")
    home.get_by_role("button", name="Theme").click()
    assert home.evaluate("document.documentElement.dataset.theme") == "dark"
