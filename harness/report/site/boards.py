"""A board of the site: the page of `report` in a small file, and what the other pages say of it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode

from ...boards.board import Board
from ...boards.grouping import digest
from ...boards.rows import Row
from ...components.tracks import DEFAULT
from ...store.results import Results
from ...text.errors import UsageError, one_line
from ..data import ReportData, report_data
from ..files import text_bytes
from ..origin import question_of, suite_of
from ..page.html import leaderboard_html, plots_inside
from ..page.legend import regime_names
from ..page.previews import KeptPreviews, PagePreviews, has_sounds, page_previews
from ..plots.drawing import Plot
from ..plots.selection import draw_all
from ..tables import metric_title, rank_text

MOST = 3 * 2**20
"""Bytes of the page of a board."""
MOST_WITH_SOUNDS = 5 * 10**6
"""The same of a board that has clips to listen to."""
_PREVIEWS, _PREVIEWS_WITH_SOUNDS = 3 * 2**19, 4 * 10**6
"""Bytes of the previews of a page, before they are made smaller; text makes a third more of them."""
_SPARE = 2**16


@dataclass(frozen=True)
class PlacedMethod:
    """A method on a level: `place` is its range of ranks, `score` its mean, both as the board prints them."""

    name: str
    label: str
    place: str
    score: str
    flags: tuple[str, ...]
    contender: bool


@dataclass(frozen=True)
class BoardLink:
    """One board of the results, at a dataset and a regime; `address` is where the page shows it, behind the `#`.

    Scores of two levels compare where `setting` is the same: the digest of inputs, protocol, seeds and metric.
    """

    track: str
    dataset: str
    dataset_name: str
    regime: str
    protocol: str
    seeds: str
    items: str
    metric: str
    methods: tuple[PlacedMethod, ...]
    address: str
    setting: str = field(repr=False)

    @property
    def title(self) -> str:
        """Dataset and regime."""
        return f"{self.dataset} · {self.regime}"

    @property
    def inputs(self) -> str:
        """What its methods were given: protocol, seeds and items."""
        return f"{self.protocol}, {self.seeds}, {self.items}"

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of what its regime is made of: `gaussian`, or `downsample` and `gaussian`."""
        return regime_names(self.regime)

    @property
    def best(self) -> PlacedMethod | None:
        """The contender on top, else whatever is there."""
        return next((one for one in self.methods if one.contender), self.methods[0] if self.methods else None)


@dataclass(frozen=True)
class SiteBoard:
    """The results of one store or export. `question` is what its suite asks; `digest` is of all that it shows."""

    name: str
    question: str
    levels: tuple[BoardLink, ...]
    digest: str

    @property
    def path(self) -> str:
        """Its page in the site."""
        return f"boards/{self.name}.html"

    @property
    def tracks(self) -> list[str]:
        """The tracks that it has levels of."""
        return list(dict.fromkeys(level.track for level in self.levels))


def board_name(path: Path) -> str:
    """What a board is called, in its address too: the name of the export or of the folder of the store."""
    stem = path.stem if path.suffix in (".parquet", ".json", ".jsonl") else path.resolve().name
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:80] or "board"


def make_board(
    name: str, records: Results, kept: KeptPreviews | None, links: Mapping[str, str]
) -> tuple[SiteBoard, bytes]:
    """A board and its page, which has the `links` of the site. Raises `UsageError` where the results have no cell."""
    if not records:
        raise UsageError(f"{name}: it holds no cell: run a suite first (noisebench run SUITE.yaml --store STORE)")
    question = question_of(name) or question_of(suite_of(records))
    data = report_data(records, name if not question else f"{name}: {question}")
    several = len({board.track for board in data.boards}) > 1
    levels = tuple(_level(board, several) for board in data.boards)
    page = small_page(data, kept, links)
    return SiteBoard(name, question, levels, digest([repr(levels), *_scores(data.boards)])), page


def _level(board: Board, several: bool) -> BoardLink:
    shown = f"{board.track}: {board.chosen}" if several and board.track != DEFAULT else board.chosen
    place = {"d": shown, "r": board.regime, "p": board.protocol, "s": board.seeds_text}
    ranking = board.rank_by
    ranked_by = f"{ranking.label} v{ranking.version}" if ranking else ""
    return BoardLink(
        track=board.track,
        dataset=one_line(board.chosen),
        dataset_name=board.dataset_name,
        regime=one_line(board.regime),
        protocol=board.protocol,
        seeds=board.seeds_text,
        items=f"{len(board.items)} {board.words['items']}",
        metric=metric_title(ranking) if ranking else "",
        methods=tuple(_placed(row, board) for row in board.rows),
        address=urlencode(place),
        setting=digest([board.protocol, board.inputs, ranked_by]),
    )


def _placed(row: Row, board: Board) -> PlacedMethod:
    ranking = board.rank_by
    score = ranking.notation.text(row.scores[ranking.label].mean) if ranking and ranking.label in row.scores else ""
    return PlacedMethod(row.name, one_line(row.label), rank_text(row.ranks), score, row.flags, not row.role)


def _scores(boards: Sequence[Board]) -> list[str]:
    """Every mean, and the cells behind it."""
    return [f"{row.label} {row.keys} {[score.mean for score in row.scores.values()]}" for b in boards for row in b.rows]


# -------------------------------------------------------------------------------------------------- the page


def small_page(data: ReportData, kept: KeptPreviews | None, links: Mapping[str, str], most: int = MOST) -> bytes:
    """The page of a report, of at most so many bytes where its scores alone have not more.

    Pictures are WebP and sounds FLAC, both without loss. Plots that there is no room for are left out, the last ones
    first; then previews.
    """
    plots, notes = draw_all(data)
    data = replace(data, notes=notes)
    room = min(_PREVIEWS, most // 2)
    if most == MOST and has_sounds(data.boards):
        most, room = MOST_WITH_SOUNDS, _PREVIEWS_WITH_SOUNDS
    previews = _smaller(page_previews(data.boards, kept, data.words["items"], most=room))
    whole = _page(data, plots, previews, links)
    if len(whole) <= most:
        return whole
    room = most - _SPARE - len(_page(data, [], previews, links))
    if room < 0:
        previews = page_previews(data.boards, None, data.words["items"], most=0)
        room = most - _SPARE - len(_page(data, [], previews, links))
    fitting: list[Plot] = []
    inside = plots_inside(data.boards, plots, previews)
    for plot in inside:
        room -= len(plot.svg) * 4 // 3 + len(plot.caption) + 16
        if room < 0:
            break
        fitting.append(plot)
    left_out = f"{len(inside) - len(fitting)} of {len(inside)} plots have no room on this page"
    previews = replace(previews, note="; ".join(filter(None, (previews.note, left_out))))
    return _page(data, fitting, previews, links)


def _page(data: ReportData, plots: Sequence[Plot], previews: PagePreviews, links: Mapping[str, str]) -> bytes:
    return text_bytes("".join(leaderboard_html(replace(data, plots=plots), previews, links)))


def _smaller(previews: PagePreviews) -> PagePreviews:
    """The same with pictures as WebP and sounds as FLAC, where that is smaller: every pixel and sample is as it was."""
    return replace(previews, addresses=[_smaller_address(one) for one in previews.addresses])


def _smaller_address(address: str) -> str:
    for kind, smaller_kind, smaller_of in (("image/png", "image/webp", webp_of), ("audio/wav", "audio/flac", flac_of)):
        start = f"data:{kind};base64,"
        if address.startswith(start):
            data = base64.b64decode(address.removeprefix(start))
            smaller = smaller_of(data)
            if 0 < len(smaller) < len(data):
                return f"data:{smaller_kind};base64,{base64.b64encode(smaller).decode()}"
    return address


def webp_of(png: bytes) -> bytes:
    """A PNG as WebP without loss; nothing where it is none, or has more than 8 bits a channel."""
    from PIL import Image

    out = io.BytesIO()
    with suppress(OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            if picture.mode not in ("L", "LA", "P", "RGB", "RGBA"):
                return b""
            shape = "RGBA" if picture.mode in ("LA", "P", "RGBA") else "RGB"
            picture.convert(shape).save(out, "webp", lossless=True, exact=True, method=4)
        return out.getvalue()
    return b""


def flac_of(wav: bytes) -> bytes:
    """A WAV of 16 bits as FLAC; nothing where it is none."""
    import soundfile

    out = io.BytesIO()
    with suppress(soundfile.LibsndfileError, OSError, ValueError):
        if soundfile.info(io.BytesIO(wav)).subtype != "PCM_16":
            return b""
        samples, rate = soundfile.read(io.BytesIO(wav), dtype="int16")
        soundfile.write(out, samples, rate, format="FLAC", subtype="PCM_16")
        return out.getvalue()
    return b""
