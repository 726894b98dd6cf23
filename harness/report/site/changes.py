"""What changed since the last build: the manifest that a build leaves, the page of changes, and the Atom feed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct, json, structs

from ...store.cell import Whole
from ...store.cell_json import checked
from ...text.json_values import parsed
from ...text.wording import counted
from .boards import SiteBoard
from .layout import Parts, whole_page
from .markup import Content, Html, bullets, element, escaped, joined, link

SCHEMA = 1
MANIFEST = "site.json"
_BUILDS, _LINES = 50, 300
"""Builds that are kept, and changes of one."""
_GONE = 5
"""Boards that are gone which have a line each."""
Kind = Literal["new", "first", "changed", "gone"]


class BoardState(Struct, frozen=True, kw_only=True):
    """A board as it was built: the digest of what it shows, and by level which method was first."""

    digest: str
    first: dict[str, str]


class SiteChange(Struct, frozen=True, kw_only=True):
    """A change of a build: of a board or an entry, whose page `address` is, empty where that is gone."""

    kind: Kind
    name: str
    text: str
    address: str = ""


class Build(Struct, frozen=True, kw_only=True):
    """A build with its changes; `date` is UTC in ISO 8601."""

    date: str
    changes: list[SiteChange]


class SiteManifest(Struct, frozen=True, kw_only=True):
    """`site.json`: what a build made, and what had changed in the builds so far, the newest first."""

    noisebench_site: Whole
    id: str
    boards: dict[str, BoardState]
    entries: dict[str, str]
    builds: list[Build]
    files: list[str]


def read_manifest(text: bytes) -> SiteManifest:
    """The manifest of an earlier build. Raises ValueError for another text."""
    return checked(parsed(text), SiteManifest)


def manifest_text(manifest: SiteManifest) -> bytes:
    """The manifest, keys sorted."""
    return json.format(json.encode(manifest, order="sorted"), indent=1) + b"\n"


def next_manifest(
    before: SiteManifest | None, boards: Sequence[SiteBoard], entries: Mapping[str, str], now: datetime
) -> SiteManifest:
    """The manifest of a build, without its files; where nothing changed the builds are those of before."""
    states = {board.name: _state(board) for board in boards}
    date = now.astimezone(UTC).isoformat(timespec="seconds")
    if before is None:
        first = SiteChange(
            kind="new", name="this site", text=f"begins with {counted(len(boards), 'board')}", address="index.html"
        )
        changes = [first]
    else:
        changes = [*_changes(before.boards, boards), *_of_entries(before.entries, entries)]
    builds = [] if before is None else before.builds
    if changes:
        builds = [Build(date=date, changes=changes[:_LINES]), *builds][:_BUILDS]
    identity = before.id if before else str(uuid.uuid5(uuid.NAMESPACE_URL, f"noisebench site {date} {sorted(states)}"))
    return SiteManifest(
        noisebench_site=SCHEMA, id=identity, boards=states, entries=dict(entries), builds=builds, files=[]
    )


def with_files(manifest: SiteManifest, files: Iterable[str]) -> SiteManifest:
    """The manifest with the files of its build."""
    return structs.replace(manifest, files=sorted(files))


def _state(board: SiteBoard) -> BoardState:
    first = {level.address: level.best.label for level in board.levels if level.best is not None}
    return BoardState(digest=board.digest, first=first)


def _changes(before: Mapping[str, BoardState], boards: Sequence[SiteBoard]) -> list[SiteChange]:
    changes: list[SiteChange] = []
    for board in boards:
        old = before.get(board.name)
        if old is None:
            text = f"is new, with {counted(len(board.levels), 'level')}"
            changes.append(SiteChange(kind="new", name=board.name, text=text, address=board.path))
        elif old.digest != board.digest:
            overtaken = [
                SiteChange(kind="first", name=board.name, address=f"{board.path}#{level.address}",
                       text=f"has {level.best.label} first on {level.title}, where {old.first[level.address]} was")
                for level in board.levels
                if level.best is not None and old.first.get(level.address, level.best.label) != level.best.label
            ]  # fmt: skip
            plain = SiteChange(kind="changed", name=board.name, text="has other results", address=board.path)
            changes += overtaken or [plain]
    return changes + _gone([name for name in before if name not in {board.name for board in boards}])


def _gone(names: Sequence[str]) -> list[SiteChange]:
    """The boards that a build no longer has: a line each, or one where a build of few results has left out many."""
    if len(names) <= _GONE:
        return [SiteChange(kind="gone", name=name, text="is gone") for name in names]
    return [SiteChange(kind="gone", name=f"{len(names)} boards", text=f"are gone, such as {names[0]}")]


def _of_entries(before: Mapping[str, str], entries: Mapping[str, str]) -> list[SiteChange]:
    changes = [
        SiteChange(kind="new", name=name, text=f"is a new entry: {verdict}", address=_page_of(name))
        if name not in before
        else SiteChange(
            kind="changed", name=name, text=f"is {verdict} now, and was {before[name]}", address=_page_of(name)
        )
        for name, verdict in entries.items()
        if before.get(name) != verdict
    ]
    return changes + [
        SiteChange(kind="gone", name=name, text="is no entry any more") for name in before if name not in entries
    ]


def _page_of(entry: str) -> str:
    return f"entries/entry-{entry}.html"


# ---------------------------------------------------------------------------------------------- pages


def change_line(change: SiteChange) -> Html:
    """A change in a line, for a page in the home folder."""
    name = link(change.name, change.address) if change.address else change.name
    return joined([name, f" {change.text}."], "")


def newest_changes(builds: Sequence[Build], most: int) -> list[Html]:
    """The newest changes in lines with their dates."""
    dated = [(build.date[:10], change) for build in builds for change in build.changes]
    return [joined([change_line(change), element("span", date, class_="kind")], "") for date, change in dated[:most]]


def changes_page(builds: Sequence[Build], parts: Parts) -> bytes:
    """All changes, the newest build first."""
    contents: list[Content] = [
        element("h1", "Changes"),
        element("p", "What each build of this site brought, also as a ", link("feed", "feed.xml"), "."),
    ]
    for number, build in _numbered(builds):
        contents += [element("h2", build.date[:10], id=f"build-{number}"), bullets(map(change_line, build.changes))]
    return whole_page("changes.html", "Changes", *contents, parts=parts, about="What changed on this site.")


def feed(manifest: SiteManifest) -> bytes:
    """The builds as an Atom feed; addresses are seen from where the feed lies."""
    latest = manifest.builds[0].date if manifest.builds else "1970-01-01T00:00:00+00:00"
    out = [
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">',
        "<title>noisebench: changes of the boards</title><author><name>noisebench</name></author>",
        f"<id>urn:uuid:{escaped(manifest.id)}</id><updated>{escaped(latest)}</updated>",
        '<link rel="self" href="feed.xml"/><link rel="alternate" type="text/html" href="index.html"/>',
    ]
    space = _space(manifest.id)
    for number, build in _numbered(manifest.builds):
        lines = bullets(map(change_line, build.changes))
        out.append(
            f"<entry><title>{escaped(_heading(build))}</title><id>urn:uuid:{uuid.uuid5(space, build.date)}</id>"
            f'<updated>{escaped(build.date)}</updated><link rel="alternate" href="changes.html#build-{number}"/>'
            f'<content type="html">{escaped_markup(lines)}</content></entry>'
        )
    return "\n".join([*out, "</feed>\n"]).encode("utf-8", "replace")


def escaped_markup(markup: Html) -> str:
    """Markup as the text of an element of XML."""
    return markup.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _numbered(builds: Sequence[Build]) -> list[tuple[int, Build]]:
    """Builds with their numbers, of which the oldest that is kept has 1."""
    return [(len(builds) - place, build) for place, build in enumerate(builds)]


def _heading(build: Build) -> str:
    names = list(dict.fromkeys(change.name for change in build.changes))
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _space(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_URL, text)
