"""A browser that opens the pages of a file of tests, and what is read of them.

Chromium lays out a section other than the board some time after it appears, and its `inner_text` is empty until then:
read `text_content` there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_records import cost_record, record
from noisebench.imaging.sample import Sample
from noisebench.report.page.previews import KeptPreviews
from noisebench.store.cells import cell_dir
from noisebench.store.record import Record
from noisebench.tracks.restore.crops import leave_view

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The first has no windows, which take three quarters of the time of a page that none sees."""
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)


in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: `make browser`, then run again")


FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


HOSTILE = '</script><img src=x onerror="window.evil=1">\'"&amp;<b>_x_|`$'


BASE = np.array([30.0, 28.5, 31.25, 26.0, 29.0, 33.0, 27.5, 30.5, 32.0, 25.5, 34.0, 26.75])


WOBBLE = np.array([0.1, -0.2, 0.15, 0.05, -0.1, 0.2, -0.15, 0.0, 0.25, -0.25, 0.3, -0.3])


CLEAN, NOISY, SHADES = 100, 60, {"identity": 60, "nlm": 110, "median": 145, "blur": 20}


def ordinary() -> list[Record]:
    """Three levels of one noise and another dataset; median is best by ssim, nlm by psnr; a crash and a skip."""
    found: list[Record] = []
    for sigma, drop in ((15, 0.0), (25, 3.0), (50, 7.0)):
        at: dict[str, Any] = {"regime": f"gaussian(sigma={sigma})"}
        found += [
            record("identity", {"psnr": BASE - 9 - drop + WOBBLE, "ssim": BASE / 60}, **at),
            record("nlm", {"psnr": BASE - drop + WOBBLE, "ssim": BASE / 45}, **at),
            record(
                "median",
                {"psnr": BASE - 3 - drop - WOBBLE, "ssim": BASE / 40},
                flags={"blind": True, "trained_on": ["wood", "sky"]},
                **at,
            ),
            record("blur", {"psnr": BASE - 12 - drop + 5 * WOBBLE, "ssim": BASE / 70}, **at),
        ]
    found += [
        record("nlm", {"psnr": BASE + 2}, dataset="textures"),
        record("net", {}, pictures=12, outcome="failed", reason="RuntimeError: no luck",
               traceback=f"Traceback (most recent call last):\n  line 7\nRuntimeError: {HOSTILE}\n"),
        record("bm3d", {}, pictures=12, outcome="skipped", reason="needs the package bm3d"),
        cost_record("identity", p50=0.02, peak=100), cost_record("nlm", p50=150.0, peak=70 * 2**20),
        cost_record("median", p50=20.0, peak=2**20), cost_record("blur", p50=5.0, peak=2**20),
    ]  # fmt: skip
    return found


def leave_pictures(store: Path, records: list[Record]) -> KeptPreviews:
    """Flat pictures of two items for each score cell: the shade tells which picture is seen."""
    for cell in (r.cell for r in records if r.scores and r.cell.dataset.name == "photos"):
        outputs = cell_dir(store, cell.key) / "outputs"
        outputs.mkdir(parents=True)
        for index, (item, extra) in enumerate((("p000", 0), ("p005", 30))):
            flat = np.ones((32, 32, 1), np.float32)
            clean = np.full((32, 32), CLEAN + extra, np.uint8)
            shade = SHADES[cell.method.name] + extra
            leave_view(
                store, outputs, index, Sample(item, clean), flat * (NOISY + extra) / 255, flat * np.float32(shade) / 255
            )
    return KeptPreviews.in_store(store)


@dataclass
class Browser:
    """One browser for all tests; what pages said and asked for is collected."""

    browser: Any
    files: dict[str, Path]
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    desktop: Any = None

    def context(self, **settings: Any) -> Any:
        context = self.browser.new_context(**settings)
        context.on("request", lambda request: self.asked.append(request.url))
        # What is copied is kept, because a page from a file may not read the clipboard.
        context.add_init_script("window.copied = []; navigator.clipboard.writeText = async (t) => { copied.push(t); };")
        context.set_default_timeout(15_000)
        return context

    def open(self, name: str = "ordinary", state: str = "", **settings: Any) -> Any:
        """A page; with settings it has a context of its own, which is new storage too."""
        if self.desktop is None:
            self.desktop = self.context(viewport={"width": 1400, "height": 900})
        page = (self.context(**settings) if settings else self.desktop).new_page()
        page.on("console", lambda message: self.said.append(f"{name} {state}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"{name} {state}: {error}"))
        page.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.goto(self.files[name].as_uri() + (f"#{state}" if state else ""))
        return page


@pytest.fixture(scope="module")
def chromium(pages: dict[str, Path]) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield Browser(browser, pages)
        browser.close()


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Callable[..., Any]]:
    """Open pages; after the test none of them may have complained, or asked for anything but itself."""
    found: list[Any] = []

    def go(*args: Any, **settings: Any) -> Any:
        found.append(chromium.open(*args, **settings))
        return found[-1]

    yield go
    for page in found:
        page.close() if page.context is chromium.desktop else page.context.close()
    assert chromium.said == []
    own = {path.as_uri() for path in chromium.files.values()}
    assert [url for url in chromium.asked if not url.startswith("data:") and url.partition("#")[0] not in own] == []


def methods(page: Any) -> list[str]:
    return page.locator("table.board tbody td.name .link").all_inner_texts()


def main_column(page: Any) -> list[str]:
    return page.locator("table.board tbody td.main").all_inner_texts()


def choose(page: Any, control: str, value: str) -> None:
    page.locator(f'[data-k="{control}"]').select_option(label=value)


def address(page: Any) -> str:
    """What the page's address keeps, asked of the page: `page.url` is told of a change some time after it."""
    return str(page.evaluate("location.hash.slice(1)"))


def decoded(page: Any) -> None:
    """Wait until the viewer has its pictures."""
    page.wait_for_selector('dialog.viewer[open][aria-busy="false"]')


def shade(page: Any, x: float, y: float = 0.5) -> tuple[int, int, int]:
    """The colour of the viewer at a share of its width and height."""
    return tuple(
        page.evaluate(
            """([x, y]) => { const c = document.querySelector('.viewer canvas');
            const one = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
            one.drawImage(c, -Math.floor(x * c.width), -Math.floor(y * c.height));
            return Array.from(one.getImageData(0, 0, 1, 1).data.slice(0, 3)); }""",
            [x, y],
        )
    )


AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"]
"""With `experimental` come the rules that a label has the words that are seen and that cells have headers."""


def findings(page: Any, part: str | None = None) -> list[str]:
    """Serious and critical findings of axe on the page or a part of it, as rule and place."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": {"type": "tag", "values": AXE_TAGS}, "resultTypes": ["violations"]}
    found = Axe().run(page, part, options).response
    assert len(found["passes"]) > 5, "axe has looked"
    return [
        f"{rule['id']}: {node['html'][:120]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
