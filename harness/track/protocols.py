"""The protocols of a track: the functions by which engine, boards and reports handle items of any kind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..components.calls import kind_of
from ..components.entry import Entry
from ..components.registry import Bound, registry
from ..store.outputs import OutputFiles
from ..text.errors import UsageError, nearest
from ..text.short_text import short
from .info import Info


class Item(Protocol):
    """One unit of a dataset, and of every pairing: what has an id."""

    @property
    def id(self) -> str: ...


class Dataset(Protocol):
    """Items in a fixed order. `ids` is cheap; `load` reads one item and is called when it is needed.

    For example:

        >>> class Flat:
        ...     ids = ("dark", "bright")
        ...     def load(self, index):
        ...         return nb.Sample(self.ids[index], np.full((8, 8), (32, 224)[index], np.uint8))
        >>> flat: nb.Dataset = Flat()
        >>> [(item.id, int(item.clean.max())) for item in map(flat.load, range(len(flat.ids)))]
        [('dark', 32), ('bright', 224)]
    """

    @property
    def ids(self) -> Sequence[str]: ...
    def load(self, index: int) -> Any: ...


@runtime_checkable
class IsMade(Protocol):
    """A dataset whose items are made, not read: each depends on `made(index)` alone, and differs where that does."""

    def made(self, index: int) -> str: ...


@runtime_checkable
class KeepsApart(Protocol):
    """A dataset that names items which are never trained on; validations use the first of them."""

    kept_apart: Sequence[int]


@dataclass(frozen=True)
class Case:
    """What a regime makes of an item: the input and the info that a method gets, and the output wanted of it.

    The track chooses the types of `given` and `wanted`; `input_sha256` is the hash of all that is given. `note` is what
    a reader of the board must know of the input.

        >>> track, sample = nb.get_track("restore"), nb.Sample("flat", np.full((8, 8), 128, np.uint8))
        >>> case = track.pose(nb.bind("gaussian(sigma=25)", "regime"), sample, seed=0)
        >>> case.given.shape, case.wanted, round(case.info.sigma * 255)
        ((8, 8, 1), (8, 8, 1), 25)
    """

    given: Any
    info: Info
    input_sha256: str
    wanted: Any = None
    note: str = ""

    def __repr__(self) -> str:
        details = f"info={self.info!r}, input_sha256={short(self.input_sha256)}, wanted={short(self.wanted)}"
        return f"Case(given={short(self.given)}, {details}{f', note={short(self.note)}' if self.note else ''})"


@dataclass(frozen=True)
class Words:
    """The words of a track on boards, pages and plots.

    For example:

        >>> nb.Words("signal", "signals").items
        'signals'
    """

    item: str = "item"
    items: str = "items"
    given: str = "input"
    output: str = "output"
    truth: str = "truth"
    level: str = "level"


MOST_CHANNELS = 4
"""A size with a first number up to this, and a larger last one, has its channels in the wrong place."""


@dataclass(frozen=True)
class Defaults:
    """The defaults of a track: in a suite, in `nb.evaluate`, in the pytest plugin, in a cost.

    `validated_by` is the metric of validations in a training, where it is not `rank_by`. `size` is that of a cost;
    with `channels` a size may have one number more, as for pictures in colour: (256, 256, 3).

        >>> defaults = nb.Defaults("plain", ("rmse", "mae"), "rmse", "sines", "white(sigma=0.1)", size=(64, 64))
        >>> defaults.sizes, defaults.allows((128, 32)), defaults.allows((128,))
        ('64x64', True, False)
    """

    protocol: str
    metrics: tuple[str, ...]
    rank_by: str
    dataset: str
    regime: str
    size: tuple[int, ...] = ()
    validated_by: str = ""
    channels: bool = False

    def allows(self, size: tuple[int, ...]) -> bool:
        """Whether a cost may have this size: as many numbers as the default, or one more for channels."""
        if len(size) == len(self.size):
            return True
        channels_first = len(size) == 3 and size[0] <= MOST_CHANNELS < size[2]
        return self.channels and len(size) == len(self.size) + 1 and size[-1] > 1 and not channels_first

    @property
    def sizes(self) -> str:
        """The default size as a person writes it, and one with channels: `256x256, or 256x256x3 in colour`."""
        usual = "x".join(map(str, self.size))
        return f"{usual}, or {usual}x3 in colour" if self.channels else usual


class Runner(Protocol):
    """A method ready to be called: `setup`, then for each case `check`, `prepare`, `call` (timed), `accept`.

    For example:

        >>> track, sample = nb.get_track("restore"), nb.Sample("flat", np.full((8, 8), 128, np.uint8))
        >>> case = track.pose(nb.bind("gaussian(sigma=25)", "regime"), sample, seed=0)
        >>> runner: nb.Runner = track.open(nb.bind("gaussian_filter", "method"))
        >>> runner.setup("cpu")
        >>> runner.check(case.info)
        >>> output = runner.accept(runner.call(runner.prepare(case.given), case.info), case)
        >>> output.shape, bool(output.std() < case.given.std() / 2)
        ((8, 8, 1), True)
    """

    bound: Bound
    meta: Mapping[str, Any]

    @property
    def instance(self) -> Any: ...
    def setup(self, device: str = "cpu") -> None: ...
    def expect(self, ids: Sequence[str], chosen: int) -> list[str]: ...
    def check(self, info: Info) -> None: ...
    def prepare(self, given: Any) -> Any: ...
    def call(self, prepared: Any, info: Info) -> Any: ...
    def accept(self, output: Any, case: Case) -> Any: ...
    def untouched(self, prepared: Any, given: Any) -> bool: ...


@runtime_checkable
class RunsTogether(Protocol):
    """A runner that takes `together` items in one call, at most."""

    @property
    def together(self) -> int: ...
    def call_all(self, prepared: Sequence[Any], infos: Sequence[Info]) -> list[Any]: ...


@runtime_checkable
class Attacks(Protocol):
    """A track some of whose regimes attack the method that is scored, by what its runner says of a case."""

    def attacked_together(self, regime: Bound) -> int:
        """How many items are attacked together, at most: 1 where the regime attacks none."""

    def attacked(
        self, regime: Bound, posed: Sequence[tuple[Any, Case]], seed: int, ask: Callable[[Sequence[Case]], Any]
    ) -> list[Case]:
        """The cases that the method is to be called on, of items with theirs; each is the same in any company.

        `ask` gives what `differentiate` of its runner does.
        """


@runtime_checkable
class Differentiates(Protocol):
    """A runner that gives gradients of what its method says of each case."""

    def differentiate(self, cases: Sequence[Case]) -> Any: ...


@runtime_checkable
class CallsTogether(Protocol):
    """A runner that gives outputs of several cases by one call, None where it cannot: validations use it."""

    def call_together(self, cases: Sequence[Case]) -> list[Any] | None: ...


class Track(Protocol):
    """A field of work: its items, what a regime makes of them, how a method is called, how an output is scored.

    For example:

        >>> track: nb.Track = nb.get_track("audio")
        >>> track.words.items, track.defaults.rank_by, track.defaults.regime
        ('clips', 'si_sdr', 'white(snr=5)')
    """

    name: str
    version: int
    words: Words
    defaults: Defaults

    @property
    def preload(self) -> tuple[str, ...]: ...
    @property
    def outputs(self) -> OutputFiles: ...
    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]: ...
    def identify(self, item: Any) -> str: ...
    def pose(self, regime: Bound, item: Any, seed: int, draw: int = 0) -> Case: ...
    def open(self, method: Bound) -> Runner: ...
    def score(
        self, output: Any, item: Any, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]: ...
    def probe(self, size: tuple[int, ...]) -> Any: ...


class Collector(Protocol):
    """Stores what it needs of each output durably, and scores the whole set at the end."""

    def take(self, output: Any, item: Any) -> Any: ...
    def score(self) -> dict[str, dict[str, Any]]: ...
    def clear(self) -> None: ...


@runtime_checkable
class KeepsFiles(Protocol):
    """A collector that keeps what it takes in files, and not in what `take` returns alone."""

    def copy_in_order(self, order: Sequence[int], folder: Path) -> None:
        """Copy the files to `folder`, as they were if outputs had come in another order. Raises OSError."""


@runtime_checkable
class SeesAlike(Protocol):
    """A track that finds items that are no independent evidence. A sketch is small and depends on its item alone."""

    def sketch(self, item: Any) -> Any: ...
    def alike(self, sketches: Sequence[Any]) -> tuple[list[list[int]], list[tuple[int, int]]]:
        """Places of items whose truths are equal, and pairs of places that show the same thing in part."""


@runtime_checkable
class SketchesTruths(Protocol):
    """A track that sees whether a training set shows items that are tested: cut, moved, saved anew or with faint noise.

    `sketches` is what is sketched: a training of one track is compared with tests of another that sketches the same.
    """

    sketches: str

    def truth_sketch(self, item: Any) -> Any:
        """The sketch of the truth of an item; None where its input stands for the truth, which a training may see."""

    def shown(self, trained: Sequence[Any], tested: Sequence[Any]) -> dict[int, int]:
        """Places of tested sketches that show the same as one that is trained on, with the place of that one."""


@runtime_checkable
class HoldsItems(Protocol):
    """A track each of whose items holds several of another track, such as a stream of pictures."""

    holds: str

    def items_in(self, item: Any) -> Sequence[Any]: ...


COPIES = "copies: "
"""What a note of an item begins with whose output is a copy of what no method is shown: a board ranks no such row."""


@runtime_checkable
class SeesCopies(Protocol):
    """A track that sees which outputs are copies of what no method is shown.

    A track whose methods cannot be exact by work of their own says so by `never_exact = True`: a method that is exact
    on more than half of the items then takes no rank. In every track a method takes none whose outputs are copies on
    half of them; with `one_copy_is_enough = True`, of a track whose items are batches, one is enough.
    """

    def copied(self, output: Any, item: Any, case: Case, protocol: Bound) -> str:
        """What an output is a copy of, in words; empty where it is none."""


@runtime_checkable
class HasChannels(Protocol):
    """A track of pictures: costs may be of grey or colour, and a board shows the one that fits its pictures."""

    def channels(self, item: Any) -> int: ...


@runtime_checkable
class HasSetMetrics(Protocol):
    """A track with metrics of a whole set of outputs, such as FID."""

    def plan_set(self, metric: Bound) -> tuple[dict[str, Any], dict[str, Any]]: ...
    def collector(
        self, sets: Mapping[str, Any], folder: Path, n: int, *, protocol: Bound, taken: Iterable[Any] = ()
    ) -> Collector: ...


@runtime_checkable
class ChoosesMetrics(Protocol):
    """A track with metrics that suit some datasets alone."""

    def unsuited(self, metric: Bound, dataset: Bound) -> str:
        """Why a metric scores nothing of a dataset; empty where it does."""


class Batches(Protocol):
    """Training batches: that of a step depends on the step alone. `given` and `wanted` are shapes of one item of it."""

    given: tuple[int, ...]
    wanted: tuple[int, ...]

    def __call__(self, step: int) -> Mapping[str, Any]:
        """Arrays by name, the batch first: `given`, `wanted` and what else an objective may use."""


class Reader(Protocol):
    """Reads items by their places, and those that it was asked to `expect` ahead of time."""

    def expect(self, indices: Iterable[int]) -> None: ...
    def load(self, index: int) -> Any: ...
    def close(self) -> None: ...


@runtime_checkable
class ReadsItems(Protocol):
    """Batches that read an item when a step first wants it."""

    def read_by(self, reader: Reader, first: int, steps: int) -> None:
        """Have `reader` read them, for the steps from `first` to `steps`; it is closed where all items are held."""


@runtime_checkable
class Trains(Protocol):
    """A track whose methods can be networks that are trained here.

    `order(step)` are places in `chosen`, which are places of the dataset. With `fixed` an item gives the same input and
    truth each time it comes. Items of equal truth have equal `truth_sha256`, so that none is trained on that is
    tested.
    """

    def batches(
        self,
        dataset: Dataset,
        chosen: Sequence[int],
        regime: Bound,
        order: Callable[[int], Sequence[int]],
        *,
        crop: int,
        seed: int,
        fixed: bool = False,
    ) -> Batches: ...
    def truth_sha256(self, item: Any) -> str: ...


@runtime_checkable
class HasRange(Protocol):
    """A track whose items can be brought to its own range of values, from one that the caller names."""

    def rescaled(self, item: Any, range: Any) -> Any: ...


@runtime_checkable
class PreloadsMore(Protocol):
    """A track some of whose components need more than `preload`, such as torch: what these do, by module."""

    def preload_for(self, components: Iterable[Bound]) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Finding:
    """The result of one check of a method. `ok` is None where it does not apply; `detail` is one line."""

    name: str
    ok: bool | None
    detail: str = ""


@runtime_checkable
class Examines(Protocol):
    """A track that can try a method on tiny inputs. `before` hears the name of each check before it is done.

    `regime` is the one to try it under, or an empty text: the track chooses.
    """

    def examine(self, method: Bound, before: Callable[[str], None], regime: str) -> Iterator[Finding]: ...


@runtime_checkable
class SeesScale(Protocol):
    """A track that can say, for doctors, why an output is on another scale than its input; empty where it is not."""

    def off_scale(self, output: Any, case: Case) -> str: ...


def checked_declarations(
    kind: str, declared: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """`declared`, completed by defaults. Raises `UsageError` for a name that the track does not know.

    For example:

        >>> known = {"method": {"layout": "hwc", "explains": False}}
        >>> nb.checked_declarations("method", {"explains": True}, known)
        {'layout': 'hwc', 'explains': True}
        >>> nb.checked_declarations("method", {"explain": True}, known)
        Traceback (most recent call last):
        noisebench.text.errors.UsageError: a method declares no 'explain': did you mean 'explains'?
    """
    defaults = known.get(kind, {})
    for name in declared:
        if name not in defaults:
            raise UsageError(f"a {kind} declares no {name!r}: {nearest(name, defaults)}")
    return {**defaults, **declared}


def torch_where_used(components: Iterable[Bound], declared: Sequence[str] = ()) -> tuple[str, ...]:
    """Modules to preload: torch, if a method takes tensors or declares one of `declared`, or a plug-in imported it."""
    metas = [entry.meta for bound in components for entry in bound.entries]
    used = any(meta.get("layout") == "tensor" or any(meta.get(name) for name in declared) for meta in metas)
    return ("torch",) if used or "torch" in sys.modules else ()


_DUE = (*Track.__annotations__, *(name for name in vars(Track) if not name.startswith("_")))
"""The fields and functions that every track has."""


def add_track(track: Track) -> Track:
    """Register a track. Raises `UsageError` for what it lacks, and where the name is taken by another one.

    For example:

        >>> class Clocks:
        ...     name, version, words = "clocks", 1, nb.Words("clock", "clocks")
        >>> nb.add_track(Clocks())  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        noisebench.text.errors.UsageError: track clocks lacks defaults, preload, outputs, declare, identify, ...
    """
    if lacks := [name for name in _DUE if getattr(track, name, None) is None]:
        who = getattr(track, "name", None) or type(track).__name__
        raise UsageError(f"track {who} lacks {', '.join(lacks)}: docs/add-a-track.md says what each is")

    def get() -> Track:
        return track

    get.__module__, get.__qualname__ = type(track).__module__, f"{type(track).__qualname__}({track.name})"
    registry("track", "").add(Entry(track.name, get, track.version))
    return track


def identified(track: Track, item: Any) -> str:
    """The line by which a track identifies an item. Raises `UsageError` naming the track where it gives no text."""
    line = track.identify(item)
    if not isinstance(line, str):
        raise UsageError(f"track {track.name}: `identify` returned {kind_of(line)}: return one line of text")
    return line


def case_of(track: Track, regime: Bound, item: Any, seed: int) -> Case:
    """Pose an item of a track under a regime. Raises `UsageError` that names a track which gives no case."""
    case = track.pose(regime, item, seed)
    if not isinstance(case, Case):
        raise UsageError(f"track {track.name}: `pose` returned {kind_of(case)}: return nb.Case(given, info, …)")
    return case
