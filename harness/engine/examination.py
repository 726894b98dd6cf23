"""Try a method on the first items of its track's own dataset: what an adapter gets wrong, found in seconds.

For a track that has no doctor of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..components.datasets import open_dataset
from ..components.registry import Bound, bind
from ..planning.cells import shown_to
from ..text.errors import NotDefined
from ..track.calling import call_on, reveal
from ..track.examination import Finding, SeesScale
from ..track.findings import Check, findings_of, set_up, tried
from ..track.order import presented
from ..track.posed_case import Case
from ..track.runner_protocol import Runner
from ..track.track_protocol import Track, case_of

SEED = 0
"""Of all noise."""


def examine_on_items(track: Track, method: Bound, before: Callable[[str], None], regime: str) -> Iterator[Finding]:
    """Each check in turn; `before` hears its name first. `regime` may be empty: the usual one of the track."""
    under = bind(regime or track.defaults.regime, "regime", track.name)
    before("loads")
    runner = tried("loads", lambda: set_up(track.open(method)))
    if isinstance(runner, Finding):
        yield runner
        return
    yield Finding("loads", True, f"tried under {under.display}, {track.words.items} of {track.defaults.dataset}")
    dataset = open_dataset(bind(track.defaults.dataset, "dataset", track.name))
    items = [dataset.load(index) for index in presented(dataset.ids, SEED)[:2]]
    trial = _Trial(track, runner, under)
    checks: dict[str, Check] = {
        f"first {track.words.item}": lambda: _score(trial, items[0]),
        "input left unmodified": lambda: _untouched(trial, items[0]),
        "deterministic": lambda: _repeats(trial, items[0]),
        f"no memory of the last {track.words.item}": lambda: _forgets(trial, items),
        "another size": lambda: _size(trial),
    }
    yield from findings_of(checks, before)


class _Trial:
    """A method that is set up, and what it is asked under."""

    def __init__(self, track: Track, runner: Runner, regime: Bound) -> None:
        self.track, self.runner, self.regime = track, runner, regime
        self.shown = shown_to(runner.meta)

    def case(self, item: Any) -> Case:
        """What the method is given and told of an item, made anew: what it draws begins again."""
        return reveal(case_of(self.track, self.regime, item, SEED), item, self.shown)

    def output(self, item: Any) -> Any:
        """What the method makes of it. Raises `Skip`, `Invalid` and what the method raises."""
        return call_on(self.runner, self.case(item), "cpu")[0]

    def digest(self, item: Any) -> str:
        """The hash of what the method makes of it."""
        return str(self.track.outputs.digest(self.output(item)))


def _score(trial: _Trial, item: Any) -> tuple[bool | None, str]:
    track, case = trial.track, trial.case(item)
    output, seconds, _ = call_on(trial.runner, case, "cpu")
    if isinstance(track, SeesScale) and (why := track.off_scale(output, case)):
        return False, why
    names = track.defaults
    metric = bind(names.rank_by, "metric", track.name)
    scores = track.score(output, item, case, bind(names.protocol, "protocol", track.name), [metric])
    value: Any = scores[metric.display]
    if isinstance(value, NotDefined):
        return True, f"{metric.display} is not defined: {value.reason}, {seconds:.2f} s"
    meta = metric.entry.meta
    return True, f"{metric.display} {value:.{meta['decimals']}f} {meta['unit']}".rstrip() + f", {seconds:.2f} s"


def _untouched(trial: _Trial, item: Any) -> tuple[bool | None, str]:
    case = trial.case(item)
    trial.runner.check(case.info)
    prepared = trial.runner.prepare(case.given)
    output = trial.runner.call(prepared, case.info)
    same = output is prepared or trial.runner.untouched(prepared, case.given)
    return same, "" if same else "the method writes into its input: work on a copy"


def _repeats(trial: _Trial, item: Any) -> tuple[bool | None, str]:
    same = trial.digest(item) == trial.digest(item)
    return same, "" if same else "two calls differ: draw from info.rng or info.generator only"


def _forgets(trial: _Trial, items: list[Any]) -> tuple[bool | None, str]:
    if len(items) < 2:
        return None, f"there is one {trial.track.words.item} only"
    fresh = trial.digest(items[0])
    trial.output(items[1])
    same = trial.digest(items[0]) == fresh
    word = trial.track.words.item
    return same, "" if same else f"what it makes of a {word} depends on the {word} before: keep no state between calls"


def _size(trial: _Trial) -> tuple[bool | None, str]:
    """The input of costs, a third as large and odd, which no item has."""
    size = tuple(side // 3 | 1 for side in trial.track.defaults.size)
    trial.output(trial.track.probe(size))
    return True, " × ".join(map(str, size))
