"""The home page with its search, and the boards by track, task and dataset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ...components.tracks import DEFAULT
from ...text.errors import one_line
from ...text.wording import by_number, counted
from ..page.html import script_json
from .boards import BoardLink, SiteBoard
from .components import Component
from .layout import NAME, Parts, whole_page
from .markup import Content, Html, breakable, bullets, code_block, element, joined, link, table, with_code

SearchEntry = tuple[str, str, str, str]
"""Something to search for: name, kind, address from the home page, and what it is."""
_SHOWN = 6
"""Boards of a track on the home page: those where most methods are ranked."""
_RUN = [
    "# In a checkout of noisebench; then the demonstration and its board.",
    "pip install .",
    "noisebench run demo",
    "noisebench report nb-store --to board",
]
_ABOUT = (
    "noisebench measures how well methods for pictures, sound, graphs and other data work under noise.",
    "Every number on this site comes from a stored run on inputs that anybody can draw again to the bit, and methods "
    "are ranked apart only where a paired test tells them apart.",
)


def home_page(
    boards: Sequence[SiteBoard], tracks: Mapping[str, str], things: Sequence[SearchEntry], changes: Sequence[Html],
    counts: str, parts: Parts,
) -> bytes:  # fmt: skip
    """The home page; `tracks` say by name what each is, `changes` are the newest ones, `counts` what the site has."""
    search = element(
        "div",
        element("label", "Search boards, methods, datasets, systems and documentation", for_="search"),
        element("input", id="search", type="search", autocomplete="off", spellcheck="false"),
        element("p", id="count", class_="soft", role="status"),
        element("ul", id="found"),
        id="searching", class_="search", role="search", hidden=True,
    )  # fmt: skip
    index = Html(f'<script type="application/json" id="index">{script_json(list(things))}</script>')
    contents = [
        element("h1", NAME),
        element("p", _ABOUT[0], class_="lead"),
        element("p", _ABOUT[1]),
        search,
        element("p", counts, class_="soft"),
        element("h2", "Boards"),
        element("ul", *(_card(track, about, boards) for track, about in tracks.items()), class_="cards"),
        element("p", "All of them ", link("by track, task and dataset", "boards/index.html"), "."),
        element("h2", "Run it"),
        code_block(_RUN),
        element("h2", "Recent changes"),
        bullets(changes) if changes else element("p", "None yet."),
        element("p", link("All changes", "changes.html"), ", also as a ", link("feed", "feed.xml"), "."),
        index,
    ]
    return whole_page("index.html", NAME, *contents, parts=parts, about=_ABOUT[0])


def _card(track: str, about: str, boards: Sequence[SiteBoard]) -> Html:
    of_track = [board for board in boards if track in board.tracks]
    largest = sorted(of_track, key=lambda board: -sum(len(level.methods) for level in board.levels))[:_SHOWN]
    more = len(of_track) - len(largest)
    return element(
        "li",
        element("h3", link(track, f"boards/index.html#{track}")),
        element("p", about, class_="soft"),
        bullets(
            joined(filter(None, [link(breakable(board.name), board.path), board.question]), ": ") for board in largest
        ),
        *(
            [element("p", link(f"{counted(more, 'more board')} of {track}", f"boards/index.html#{track}"))]
            if more
            else []
        ),
    )


def boards_page(boards: Sequence[SiteBoard], tracks: Mapping[str, str], regimes: Sequence[Component],
                datasets: Mapping[tuple[str, str], str], parts: Parts) -> bytes:  # fmt: skip
    """All boards by track, task and dataset; `datasets` are the addresses of their pages by track and name."""
    contents: list[Content] = [
        element("h1", "Boards"),
        element("p", f"{counted(len(boards), 'board')}: ", link("by track", "#by-track"), ", ",
                link("by task", "#by-task"), ", ", link("by dataset", "#by-dataset"),
                ", ", link("levels on several boards", "#several"), "."),
        element("h2", "By track", id="by-track"),
    ]  # fmt: skip
    for track, about in tracks.items():
        of_track = [board for board in boards if track in board.tracks]
        contents += [element("h3", track, id=track), element("p", about, class_="soft"), _table(track, of_track)]
    contents += [
        element("h2", "By task", id="by-task"),
        element("p", "What is done to the data before a method gets it."),
    ]
    contents.append(_by_task(boards, regimes))
    contents += [
        element("h2", "By dataset", id="by-dataset"),
        _by_dataset(boards, datasets),
        element("h2", "Levels on several boards", id="several"),
        element("p", "Scores of two boards compare where both gave their methods the same inputs and measure the same. "
                "They do within a row; another row of the level has other seeds, items, protocol or metric."),
        _on_several(boards),
    ]  # fmt: skip
    return whole_page("boards/index.html", "Boards", *contents, parts=parts, about="All boards of this site.")


def _table(track: str, boards: Sequence[SiteBoard]) -> Html:
    rows: list[Sequence[Content]] = []
    for board in boards:
        levels = [level for level in board.levels if level.track == track]
        sets = list(dict.fromkeys(level.dataset_name for level in levels))
        methods = {method.label for level in levels for method in level.methods if method.contender}
        shown = ", ".join(sets[:4]) + (f" and {len(sets) - 4} more" if len(sets) > 4 else "")
        rows.append(
            (
                link(breakable(board.name), f"{board.name}.html"),
                board.question,
                shown,
                str(len(levels)),
                str(len(methods)),
            )
        )
    return table(f"Boards of {track}", ("board", "what it asks", "datasets", "levels", "methods"), rows, numeric=(3, 4))


def _by_task(boards: Sequence[SiteBoard], regimes: Sequence[Component]) -> Html:
    abouts = {(regime.track, regime.name): regime.about for regime in regimes}
    of_task: dict[tuple[str, str], dict[str, Html]] = defaultdict(dict)
    for board in boards:
        for level in board.levels:
            for task in level.tasks:
                shown = link(breakable(board.name), f"{board.name}.html#{level.address}")
                about = abouts.get((level.track, task), "")
                of_task[task, about].setdefault(board.name, shown)
    rows: list[Sequence[Content]] = [
        (element("code", task), with_code(about), joined(shown.values(), ", "))
        for (task, about), shown in sorted(of_task.items(), key=lambda one: by_number(one[0][0]))
    ]
    return table("Boards by task", ("regime", "what it does", "boards"), rows)


def _by_dataset(boards: Sequence[SiteBoard], pages: Mapping[tuple[str, str], str]) -> Html:
    of_dataset: dict[tuple[str, str], dict[str, Html]] = defaultdict(dict)
    for board in boards:
        for level in board.levels:
            shown = link(breakable(board.name), f"{board.name}.html#{level.address}")
            of_dataset[level.track, level.dataset_name].setdefault(board.name, shown)
    rows: list[Sequence[Content]] = [
        (
            link(breakable(name), f"../{pages[track, name]}") if (track, name) in pages else breakable(name),
            track,
            joined(shown.values(), ", "),
        )
        for (track, name), shown in sorted(of_dataset.items(), key=lambda one: (one[0][0] != DEFAULT, one[0]))
    ]
    return table("Boards by dataset", ("dataset", "track", "boards"), rows)


def _on_several(boards: Sequence[SiteBoard]) -> Html:
    """A row for each way in which a level of two boards or more is measured."""
    of_level: dict[tuple[str, str], dict[str, list[tuple[SiteBoard, BoardLink]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for board in boards:
        for level in board.levels:
            of_level[level.track, level.title][level.setting].append((board, level))
    rows: list[Sequence[Content]] = []
    tracks_of: dict[str, set[str]] = defaultdict(set)
    for track, title in of_level:
        tracks_of[title].add(track)
    for (track, title), of_setting in sorted(of_level.items(), key=lambda one: by_number(one[0][1])):
        if len({board.name for placed in of_setting.values() for board, _ in placed}) > 1:
            for placed in of_setting.values():
                one = placed[0][1]
                measured = f"{one.inputs}, {one.metric}"
                shown = [link(breakable(board.name), f"{board.name}.html#{level.address}") for board, level in placed]
                where = f" in {track}" if len(tracks_of[title]) > 1 else ""
                rows.append((joined((breakable(title), where)), measured, joined(shown, ", ")))
    if not rows:
        return element("p", "None: each level is on one board.")
    return table("Levels on several boards", ("level", "measured by", "boards"), rows)


def level_things(boards: Iterable[SiteBoard]) -> list[SearchEntry]:
    """The levels of boards, those with most methods first, to search for: each leads to its place on its board."""
    levels = [(board, level) for board in boards for level in board.levels]
    return [
        (level.title, f"level of {board.name}", f"{board.path}#{level.address}",
         f"{level.inputs}: {counted(len(level.methods), 'method')}")
        for board, level in sorted(levels, key=lambda one: -len(one[1].methods))
    ]  # fmt: skip


def board_things(boards: Iterable[SiteBoard]) -> list[SearchEntry]:
    """The boards, to search for: by their datasets and regimes too."""
    return [
        (board.name, "board", board.path, one_line("; ".join(filter(None, (
            board.question,
            ", ".join(dict.fromkeys(level.dataset_name for level in board.levels)),
            ", ".join(dict.fromkeys(task for level in board.levels for task in level.tasks)),
        ))), 300))
        for board in boards
    ]  # fmt: skip
