"""The documentation as a site: every page, public name and component is in it, and every link leads somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Literal

import noisebench
import pytest
from browser import CHROMIUM, FLAGS, findings, in_browser
from conftest import ROOT
from noisebench.components.registry import registry
from site_examples import Page

pytest.importorskip("mkdocs", reason="needs mkdocs: pip install -e '.[dev]'")
pytest.importorskip("mkdocstrings", reason="needs mkdocstrings: pip install -e '.[dev]'")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("documentation")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(to)]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, timeout=280)
    return to


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[PurePosixPath, Page]:
    files = site.rglob("*.html")
    return {PurePosixPath(file.relative_to(site).as_posix()): Page(file.read_text(encoding="utf-8")) for file in files}


def test_each_page_of_the_docs_is_in_it(pages: dict[PurePosixPath, Page]) -> None:
    names = {file.stem for file in (ROOT / "docs").glob("*.md")}
    assert names and {f"{name}.html" for name in names | {"index", "contributing", "changelog"}} <= {*map(str, pages)}


def test_every_link_leads_somewhere(pages: dict[PurePosixPath, Page], site: Path) -> None:
    outside, ids = set(), {path: page.ids for path, page in pages.items()}
    for path, page in pages.items():
        for address in page.addresses:
            target, _, anchor = address.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            place = PurePosixPath(os.path.normpath(path.parent / target)) if target else path
            if place.parts[0] == "..":
                outside.add(place)
            elif place.suffix == ".html":
                assert not anchor or anchor in ids[place], (str(path), address)
            else:
                assert (site / place).exists(), (str(path), address)
    known = {
        "boards": {file.stem for file in (ROOT / "results").glob("*.parquet")},
        "systems": {*map(str, range(1, 58))},
    }
    for place in outside:
        part, *_, name = place.with_suffix("").parts[1:]
        if part in known:
            assert name in known[part] | {"index"}, str(place)
        else:
            assert name in registry(part.removesuffix("s"), place.parts[2]).names(), str(place)


def test_each_public_name_and_component_is_in_it(pages: dict[PurePosixPath, Page]) -> None:
    of_api = set().union(*(page.ids for path, page in pages.items() if path.parts[0] == "api"))
    assert {f"noisebench.{name}" for name in noisebench.__all__} <= of_api
    regimes = pages[PurePosixPath("lists/regimes.html")].text
    assert [name for name in registry("regime", "audio").names() if name not in regimes] == []


def test_it_has_a_search_and_asks_nothing_of_the_network(pages: dict[PurePosixPath, Page], site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert any("Friedman" in one["text"] for one in index["docs"] if one["location"].startswith("statistics.html"))
    for file in site.rglob("*.html"):
        assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]*"', file.read_text("utf-8")) == []


@in_browser
@pytest.mark.parametrize("width, scheme", [(1440, "light"), (390, "dark")])
def test_no_page_has_a_serious_finding(site: Path, width: int, scheme: Literal["light", "dark"]) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver, driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        for name in ("index", "statistics", "api/evaluate", "lists/regimes"):
            page.goto((site / f"{name}.html").as_uri())
            assert findings(page) == [], name
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
