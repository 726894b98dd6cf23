"""A hook of mkdocs: pages that are made of the code, and links of the docs that leave their folder.

The start page is the README. The API reference has a page for each part of the package that defines public names, and
each kind of component has a page that lists all. A link to a committed board, a system or a component leads to its page
in the site around the documentation; a link to any other file of the repository becomes plain text.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from noisebench.components.catalogue import catalogue
from noisebench.report.escape import markdown as escaped

ROOT = Path(__file__).parent.parent
LISTS = {
    "method": "Methods", "dataset": "Datasets", "regime": "Regimes", "metric": "Metrics", "protocol": "Protocols",
    "arch": "Networks", "objective": "Objectives", "loss": "Losses", "optimizer": "Optimizers",
    "schedule": "Schedules", "part": "Parts of a recipe", "sampler": "Samplers", "stop": "Stopping rules",
}  # fmt: skip
"""Title of the list of each kind of component."""
WITH_PAGES = ("method", "dataset")
"""Kinds whose components have pages in the site."""
API = {
    "evaluation": "Evaluate", "notebook": "Results", "track": "Tracks", "components": "Components", "spec": "Specs",
    "data": "Files and weights", "imaging": "Pictures", "distances": "Distances", "planning": "Plans",
    "training": "Networks", "text": "Errors",
}  # fmt: skip
"""The titles of API pages by the package that defines what is on them."""
EXAMPLES = "Examples begin with `import noisebench as nb`, `import numpy as np` and `from pathlib import Path`."
PACKAGE = ROOT / "build" / "docs" / "noisebench"
REMOTE_WORKER = '<script src="https://unpkg.com/iframe-worker/shim"></script>'
LOCAL_WORKER = """if (location.protocol === "file:") window.Worker = class extends EventTarget {
  constructor(address) {
    super();
    const frame = document.body.appendChild(document.createElement("iframe"));
    frame.hidden = true;
    const inside = frame.contentWindow;
    inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }));
    inside.importScripts = () => {};
    this.receiver = new Promise(done => {
      const script = inside.document.createElement("script");
      script.onload = () => done(inside);
      script.src = new URL(address, location.href);
      inside.document.head.append(script);
    });
  }
  postMessage(data) {
    this.receiver.then(inside => inside.dispatchEvent(new MessageEvent("message", { data })));
  }
  terminate() {}
};"""
"""A worker in a hidden frame: browsers start none from a file."""
_LINK = re.compile(r"(!?)\[((?:[^][]|\[[^][]*\])*)\]\(([^)\s]+)\)")
_BOARD = re.compile(r"reports/(\w+)/(?:leaderboard\.(?:md|html))?")
_SYSTEM = re.compile(r"docs/systems/(\d+)\.md")


def on_startup(command: str, dirty: bool) -> None:
    """Make the package where it is read for the API, before plugins look there: its folder here has another name."""
    PACKAGE.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        PACKAGE.symlink_to(ROOT / "harness", target_is_directory=True)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made: the start page, two files of the root, the API and the lists of components."""
    for name, source in (("index", "README"), ("contributing", "CONTRIBUTING"), ("changelog", "CHANGELOG")):
        files.append(File.generated(config, f"{name}.md", content=(ROOT / f"{source}.md").read_text("utf-8")))
    for title, names in public_names().items():
        page = f"# {title}\n\n{EXAMPLES}\n\n" + "\n".join(f"::: noisebench.{name}" for name in names)
        files.append(File.generated(config, f"api/{_file_name(title)}.md", content=page))
    for kind in LISTS:
        files.append(File.generated(config, f"lists/{_file_name(LISTS[kind])}.md", content=list_page(kind)))
    return files


def public_names() -> dict[str, list[str]]:
    """The public names by the title of their page, as `__init__.pyi` has them."""
    pages: dict[str, list[str]] = defaultdict(list)
    for line in ast.parse((ROOT / "harness" / "__init__.pyi").read_text("utf-8")).body:
        if isinstance(line, ast.ImportFrom) and line.module:
            pages[API.get(line.module.partition(".")[0], "More")] += [one.name for one in line.names]
    return {title: pages[title] for title in [*API.values(), "More"] if title in pages}


def list_page(kind: str) -> str:
    """A table for each track of all components of a kind."""
    rows: dict[str, list[str]] = defaultdict(list)
    for one in catalogue(kind, "", ()):
        name = f"`{one['name']}`"
        if kind in WITH_PAGES:
            name = f"[{name}](../../{kind}s/{one['track']}/{one['name']}.html)"
        rows[one["track"] or "All tracks"].append(f"| {name} | {escaped(one['about'])} |")
    parts = (f"## {track}\n\n| name | what it is |\n| --- | --- |\n" + "\n".join(each) for track, each in rows.items())
    return f"# {LISTS[kind]}\n\n" + "\n\n".join(parts) + "\n"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text of a page with links that lead somewhere from the site."""
    made = page.file.src_uri in ("index.md", "contributing.md", "changelog.md")
    folder = "" if made else posixpath.join("docs", posixpath.dirname(page.file.src_uri))
    if page.file.src_uri.startswith(("api/", "lists/")):
        return markdown
    known = {file.src_uri for file in files}

    def place(link: re.Match[str]) -> str:
        mark, text, address = link.groups()
        target, hash_, anchor = address.partition("#")
        if ":" in target or not target:
            return link[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        way = _way(path, known, posixpath.dirname(page.file.src_uri))
        if way:
            return f"{mark}[{text}]({way}{hash_}{anchor})"
        return "" if mark else text

    return "".join(part if code else _LINK.sub(place, part) for part, code in _parts(markdown))


def _way(path: str, known: set[str], here: str) -> str:
    """From a page in `here` to what a file of the repository is in the site; empty where it is not in it."""
    out = posixpath.relpath("..", here or ".")
    if found := _BOARD.fullmatch(path if path.endswith((".md", ".html")) else f"{path}/"):
        return f"{out}/boards/{found[1]}.html"
    if found := _SYSTEM.fullmatch(path):
        return f"{out}/systems/{found[1]}.html"
    index = {"reports/README.md": "boards", "docs/systems": "systems"}.get(path)
    if index:
        return f"{out}/{index}/index.html"
    made = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
    inside = made.get(path) or path.removeprefix("docs/")
    return posixpath.relpath(inside, here or ".") if inside in known else ""


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and whether each is a block of code."""
    for place, part in enumerate(re.split(r"(^```.*?^```$)", text, flags=re.M | re.S)):
        yield part, place % 2 == 1


def _file_name(title: str) -> str:
    return title.lower().replace(" ", "-")


def on_post_template(output: str, template_name: str, config: MkDocsConfig) -> str:
    """Nothing for the page of an address that is not there: no server looks for it in a folder of a site."""
    return "" if template_name == "404.html" else output


def on_post_page(output: str, page: Page | None = None, config: MkDocsConfig | None = None) -> str:
    """The page with the search of a folder inside it, a name for its dialog, and tables that keys can scroll."""
    for theirs, ours in ((REMOTE_WORKER, f"<script>{LOCAL_WORKER}</script>"),
                         ('role="dialog"', 'role="dialog" aria-label="Search"'),
                         ("<table>", '<table tabindex="0">')):  # fmt: skip
        output = output.replace(theirs, ours)
    return output
