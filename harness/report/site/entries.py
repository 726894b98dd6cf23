"""The pages of entries: boards of what others packed beside the results of the site, with badges and histories."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from ...boards.board import Board
from ...boards.build import boards
from ...boards.grouping import GroupKey, digest, group_key
from ...boards.rows import Row
from ...store.cell import Cell, MethodPart
from ...store.record import Record
from ...store.results import Results
from ...store.versions import newest
from ...text.errors import UsageError, one_line
from ...text.wording import counted
from ..escape import markdown
from ..names import shown
from ..page.legend import FLAG_MEANINGS
from ..tables import TextTable, metric_title, rank_text, to_markdown
from .layout import Parts, whole_page
from .markup import Content, Html, breakable, element, joined, link, outward, row_filter, table, with_links

UNCHECKED = "not verified yet"
MOST_BOARDS = 300
"""Boards with entries that a site shows: one entry may have cells at thousands of places."""
_SHADES = {"verified": "good", "scores verified": "good", "not verifiable": "warn", UNCHECKED: "warn", "refuted": "bad"}
_SOUND = ("verified", "scores verified")
_LEGEND = {
    "verified": "a random sample of its cells was run again, and came out",
    "scores verified": "its outputs were scored again, and came out",
    "not verifiable": "it could neither be run nor scored again",
    UNCHECKED: "nobody has left a record of a verification beside it",
    "refuted": "something came out otherwise",
    "contaminated": f"the method was {FLAG_MEANINGS['contaminated']}",
    "of this site": "no entry: a result that this site is made of",
}
_HIDING = (("contaminated", "hide contaminated rows"), ("unverified", "hide rows that are not verified"))
_UNDO = ("role", "family")
"""Flags by which a method is no contender: nobody sends in a baseline or an optimum of the others."""


@dataclass(frozen=True)
class SiteEntry:
    """An entry as the site shows it. `verdict` is empty where nobody verified it, `checks` has a line a verification.

    `packed_at` is UTC in ISO 8601, as its author says; `links` are the http addresses that it gives.
    """

    name: str
    method: str
    packed_at: str
    signer: str
    sha256: str
    verdict: str
    checks: tuple[str, ...]
    cite: str
    links: tuple[str, ...]
    results: Results

    @property
    def path(self) -> str:
        """Its page in the site."""
        return f"entries/entry-{self.name}.html"

    @property
    def state(self) -> str:
        """Its verdict in words."""
        return self.verdict or UNCHECKED


@dataclass(frozen=True)
class EntryBoard:
    """A board with rows of entries, which are known by the specs of these rows."""

    board: Board
    entries: Mapping[str, SiteEntry]

    @property
    def anchor(self) -> str:
        """Where it stands on the page of all entries."""
        return f"board-{digest([self.board.identity])[:16]}"

    def standing(self, entry: SiteEntry) -> Row | None:
        """The best row of an entry."""
        return next((row for row in self.board.rows if self.entries.get(row.spec) is entry), None)

    def history(self, entry: SiteEntry) -> list[tuple[str, int, int]]:
        """The place of an entry by its mean, at its date and after each later entry that moved it: date, place, of how
        many."""
        ranking, standing = self.board.rank_by, self.standing(entry)
        if ranking is None or standing is None or standing.unranked:
            return []
        sign = 1 if ranking.higher else -1
        means = [
            (
                self.entries[row.spec].packed_at if row.spec in self.entries else "",
                sign * row.scores[ranking.label].mean,
            )
            for row in self.board.ranked
        ]
        mean = sign * standing.scores[ranking.label].mean
        places: list[tuple[str, int, int]] = []
        for moment in sorted({since for since, _ in means if since >= entry.packed_at}):
            present = [value for since, value in means if since <= moment and not math.isnan(value)]
            place = 1 + sum(value > mean for value in present)
            if not places or places[-1][1:] != (place, len(present)):
                places.append((moment[:10], place, len(present)))
        return places


def places_in(entries: Iterable[SiteEntry]) -> set[GroupKey]:
    """The places that entries have results at."""
    return {group_key(record.cell) for entry in entries for record in entry.results}


def at_places(results: Results, places: set[GroupKey]) -> list[Record]:
    """The newest scores of some results at places, without pictures."""
    scores = results.where(kind="score", outcome="ok")
    keys = scores.each(group_key, "track", "cell.dataset", "cell.regime", "cell.protocol")
    chosen = newest(scores.take([n for n, key in enumerate(keys) if key in places]))
    return [replace(record, panel=None) for record in chosen]


def entry_boards(entries: Sequence[SiteEntry], of_site: Sequence[Record]) -> tuple[list[EntryBoard], list[str]]:
    """A board a place of the entries, with what the site has there; a line for each entry that is left out.

    What a board is about (its items, metrics, ranking) is taken from the results of the site where it has any there, so
    that no entry can turn a ranking or stand as a baseline.
    """
    by_key = {record.cell.key: record for record in of_site}
    known: dict[GroupKey, Cell] = {}
    for record in by_key.values():
        known.setdefault(group_key(record.cell), record.cell)
    records, by_spec, left_out = list(by_key.values()), dict[str, SiteEntry](), list[str]()
    for place, entry in enumerate(entries, 1):
        try:
            cleaned = shown(replace(record, panel=None, names={}) for record in entry.results)
        except UsageError as error:
            left_out.append(f"{entry.name}: {one_line(error, 200)}")
            continue
        for record in cleaned:
            method = _contender(record.cell.method, place)
            by_spec[method.spec] = entry
            records.append(replace(record, cell=_as_known(record.cell, method, known.get(group_key(record.cell)))))
    ranked = boards(Results.of(records), all_versions=True)
    with_entries = [
        EntryBoard(board, {row.spec: by_spec[row.spec] for row in board.rows if row.spec in by_spec})
        for board in ranked
    ]
    shown_boards = [one for one in with_entries if one.entries]
    if len(shown_boards) > MOST_BOARDS:
        left_out.append(f"{len(shown_boards) - MOST_BOARDS} boards of entries: a site shows {MOST_BOARDS}")
    return shown_boards[:MOST_BOARDS], left_out


def _contender(method: MethodPart, place: int) -> MethodPart:
    """The method of an entry under a spec of its own: it is never taken for one of the site or of another entry."""
    flags = {name: value for name, value in method.flags.items() if name not in _UNDO}
    return structs.replace(method, spec=f"entry {place}: {method.spec}", flags={**flags, "role": "", "baseline": False})


def _as_known(cell: Cell, method: MethodPart, known: Cell | None) -> Cell:
    if known is None:
        return structs.replace(cell, method=method)
    metrics = {name: known.metrics.get(name, part) for name, part in cell.metrics.items()}
    return structs.replace(
        cell, method=method, dataset=known.dataset, regime=known.regime, protocol=known.protocol, metrics=metrics,
        suite=known.suite, words=known.words, schema=known.schema,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ pages


def entries_page(entries: Sequence[SiteEntry], ranked_boards: Sequence[EntryBoard], parts: Parts) -> bytes:
    """All entries, and each board with their rows, with a filter."""
    rows = [_entry_row(entry) for entry in reversed(entries)]
    states = [_states(entry.state, ()) for entry in reversed(entries)]
    legend = [joined([element("dt", _badge(name)), element("dd", about)]) for name, about in _LEGEND.items()]
    contents: list[Content] = [
        element("h1", "Entries"),
        element("p", "Results that others packed with ", element("code", "noisebench pack"), " and sent in, beside "
                "those of this site. Dates are those that their authors give."),
        row_filter(_HIDING),
        table("Entries", ("entry", "method", "badge", "packed", "links"), rows, states=states),
        element("h2", "Boards"),
    ]  # fmt: skip
    for one in ranked_boards:
        contents += _board(one)
    contents += [element("h2", "What the badges say"), element("dl", *legend)]
    return whole_page("entries/index.html", "Entries", *contents, parts=parts, about="Results that others sent in.")


def entry_page(entry: SiteEntry, ranked_boards: Sequence[EntryBoard], parts: Parts) -> bytes:
    """The page of an entry: who vouches for it, and where it stands and stood."""
    facts: list[tuple[str, Content]] = [
        ("badge", _badge(entry.state)), ("packed", entry.packed_at),
        ("verifications", "; ".join(entry.checks) or "none"),
        ("signed by", element("code", entry.signer) if entry.signer else "nobody"),
        ("SHA-256", element("code", entry.sha256)),
        ("reference", with_links(entry.cite, trusted=False) if entry.cite else "none"),
    ]  # fmt: skip
    rows: list[Sequence[Content]] = []
    for one in ranked_boards:
        row = one.standing(entry)
        if row is not None:
            score = f"{_score(row, one.board)} {metric_title(one.board.rank_by)}" if one.board.rank_by else ""
            past = "; ".join(f"{date}: {place} of {of}" for date, place, of in one.history(entry))
            name = link(one_line(one.board.title), f"index.html#{one.anchor}")
            rows.append((name, rank_text(row.ranks), score, row.unranked or past))
    contents: list[Content] = [
        element("p", "entry", class_="soft"),
        element("h1", breakable(entry.method)),
        element("dl", *(joined([element("dt", name), element("dd", value)]) for name, value in facts)),
        element("h2", "Where it stands"),
        table("Where it stands", ("board", "rank", "score", "place by its mean, since"), rows),
        element("p", "Verify it yourself: ", element("code", f"noisebench verify {entry.name}.nbz")),
    ]
    return whole_page(entry.path, f"Entry {entry.name}", *contents, parts=parts)


def _entry_row(entry: SiteEntry) -> tuple[Content, ...]:
    links = joined((outward(address, address, trusted=False) for address in entry.links), " ")
    return (
        link(entry.name, entry.path.removeprefix("entries/")),
        breakable(entry.method),
        _badge(entry.state),
        entry.packed_at[:10],
        links,
    )


def entries_markdown(ranked_boards: Sequence[EntryBoard]) -> str:
    """The boards as Markdown, for a comment on a pull request."""
    lines: list[str] = []
    for one in ranked_boards:
        rows = []
        for row in one.board.rows:
            entry, badges = one.entries.get(row.spec), ", ".join(_badges(one, row))
            of = (entry.name, entry.packed_at[:10]) if entry else ("", "")
            rows.append((rank_text(row.ranks), row.label, _score(row, one.board), badges, *of))
        numeric = (True, False, True, False, False, False)
        lines += [f"### {markdown(one.board.title)}", "", markdown(_scored_by(one.board)), ""]
        lines += [*to_markdown(TextTable(_head(one.board), numeric, tuple(rows))), ""]
    return "\n".join(lines)


def _board(one: EntryBoard) -> list[Content]:
    board = one.board
    rows: list[Sequence[Content]] = []
    states: list[str] = []
    for row in board.rows:
        entry = one.entries.get(row.spec)
        badges = joined(map(_badge, _badges(one, row)), " ")
        of = link(entry.name, entry.path.removeprefix("entries/")) if entry else ""
        date = entry.packed_at[:10] if entry else ""
        rows.append((rank_text(row.ranks), breakable(row.label), _score(row, board), badges, of, date))
        states.append(_states(_state(one, row), row.flags))
    return [
        element("h3", one_line(board.title), id=one.anchor),
        element("p", _scored_by(board), class_="soft"),
        table(one_line(board.title), _head(board), rows, numeric=(0, 2), states=states),
        *([element("p", board.undecided, class_="soft")] if board.undecided else []),
    ]


def _head(board: Board) -> tuple[str, ...]:
    return ("rank", "method", metric_title(board.rank_by) if board.rank_by else "score", "badges", "entry", "packed")


def _scored_by(board: Board) -> str:
    """Protocol, seeds and items."""
    items = counted(len(board.items), board.words["item"], board.words["items"])
    return f"{board.protocol}, {board.seeds_text}, {items}"


def _state(one: EntryBoard, row: Row) -> str:
    entry = one.entries.get(row.spec)
    return entry.state if entry else "of this site"


def _badges(one: EntryBoard, row: Row) -> list[str]:
    return [_state(one, row), *(flag for flag in row.flags if flag == "contaminated")]


def _score(row: Row, board: Board) -> str:
    ranking = board.rank_by
    return ranking.notation.text(row.scores[ranking.label].mean) if ranking else ""


def _states(state: str, flags: Sequence[str]) -> str:
    """What a filter can hide a row by."""
    sound = state in _SOUND or state == "of this site"
    return " ".join(["contaminated"] * ("contaminated" in flags) + ["unverified"] * (not sound))


def _badge(name: str) -> Html:
    shade = _SHADES.get(name, "warn" if name == "contaminated" else "")
    return element("span", name, class_=f"badge {shade}".rstrip())
