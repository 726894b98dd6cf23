"""pytest plugin: a `noisebench` fixture that evaluates a denoiser and compares it with a stored baseline."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from .notebook.result import Result
    from .store.record import Record
    from .store.results import Results
    from .suite.rules import Rule


# Nothing of noisebench is imported here: every pytest run of an environment loads this file.

_DEFAULTS: dict[str, Any] = {
    "track": "restore", "dataset": "", "regime": "", "protocol": "", "metrics": (), "seed": 0, "limit": None,
    "device": "cpu",
}  # fmt: skip
"""Where a value is empty, the track's default holds."""
FOLDER = "noisebench-baseline"
MOST = 120
T = TypeVar("T")
_HINT = "accept the scores of now with --noisebench-update"
_SIMPLE = re.compile(r"\w+(::\w+)*(\[[A-Za-z0-9_.=]([A-Za-z0-9_.=-]*[A-Za-z0-9_.=])?\])?", re.ASCII)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--noisebench-update`."""
    parser.getgroup("noisebench").addoption(
        "--noisebench-update",
        action="store_true",
        help=f"write the scores of noisebench.check(...) as the new baselines ({FOLDER}/ beside the test file)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "noisebench(dataset, regime, track=, protocol=, metrics=, seed=, limit=, device=): defaults of the fixture",
    )


class Bench:
    """The fixture's value: `evaluate` scores a method, `check` also compares it with the baseline of this test."""

    def __init__(
        self, baseline: Path, update: bool, defaults: dict[str, Any], extra_info: dict[str, Any] | None
    ) -> None:
        self.baseline = baseline
        self._update = update
        self._defaults = defaults
        self._extra_info = extra_info
        self._records: dict[str, Record] = {}

    def evaluate(self, method: str | Callable[..., Any], dataset: str = "", regime: str = "", **options: Any) -> Result:
        """`nb.evaluate` with the defaults of the marker; its means go into the JSON of pytest-benchmark."""
        return self._evaluate(method, self._options(dataset, regime, options))

    def check(
        self,
        method: str | Callable[..., Any],
        dataset: str = "",
        regime: str = "",
        *,
        rules: str | Path | None = None,
        name: str = "",
        **options: Any,
    ) -> Result:
        """Evaluate, and fail the test where `noisebench check` would fail: the same limits, the same inputs by hash.

        `rules` is a rule file; `name` tells apart methods of one test that have the same name.
        """
        return _fail_in_one_line(lambda: self._check(method, self._options(dataset, regime, options), rules, name))

    def save(self) -> None:
        """Write the baseline of this test, where `--noisebench-update` asks for it."""
        if self._update and self._records:
            _fail_in_one_line(self._write)

    def _check(
        self, method: str | Callable[..., Any], options: dict[str, Any], rules: str | Path | None, name: str
    ) -> Result:
        from .suite.rules import read_rules
        from .text.errors import Invalid, Skip, UsageError, message_of

        limits = read_rules(Path(rules)) if rules is not None else ()
        label = name or _label(method)
        try:
            result = self._evaluate(method, options)
        except (Skip, Invalid) as error:
            raise UsageError(f"method {label}: {message_of(error)}") from None
        record = _record(result, label)
        if record.cell.key in self._records:
            pytest.fail(f"{label} is checked twice in this test: give one of them a name=", pytrace=False)
        self._records[record.cell.key] = record
        if not self._update:
            self._judge(record, limits)
        return result

    def _write(self) -> None:
        from .store.baseline import write_baseline
        from .store.seals import refuse_nan
        from .text.errors import UsageError

        refuse_nan(self._records.values(), "this test")
        try:
            self.baseline.parent.mkdir(parents=True, exist_ok=True)
            write_baseline(self.baseline, list(self._records.values()))
        except OSError as error:
            problem = f"baseline {self.baseline} cannot be written ({error.strerror})"
            raise UsageError(f"{problem}: its folder must take a file of that name") from None

    def _stored(self) -> Results:
        from .store.export import read_export
        from .store.results import Results
        from .text.errors import UsageError

        try:
            return read_export(self.baseline) if self.baseline.is_file() else Results.of([])
        except UsageError as error:
            raise UsageError(f"{error}, here --noisebench-update does") from None

    def _judge(self, record: Record, rules: tuple[Rule, ...]) -> None:
        from .gate.check import check
        from .report.verdict import verdict_lines
        from .text.errors import UsageError

        baselines = [stored for stored in self._stored() if _question(stored) == _question(record)]
        # One test may ask a question under several protocols, metrics or limits.
        baselines = [stored for stored in baselines if stored.cell.key == record.cell.key] or baselines
        if lacks := sorted(_scored(record).difference(*map(_scored, baselines))):
            missing = f" of {', '.join(lacks)}" if baselines else ""
            raise UsageError(f"no baseline{missing} in {self.baseline}: {_HINT}")
        # One question is asked here, so an answer that is not comparable is no answer.
        verdict = check(baselines, [record], rules, (str(self.baseline), "this test"), strict=True)
        if verdict.exit_code:
            pytest.fail("\n".join([*verdict_lines(verdict), f"({_HINT})"]), pytrace=False)

    def _options(self, dataset: str, regime: str, options: dict[str, Any]) -> dict[str, Any]:
        merged = {**self._defaults, **options}
        for key, value in (("dataset", dataset), ("regime", regime)):
            if value:
                merged[key] = value
        from .components.tracks import get_track

        usual = get_track(merged["track"]).defaults
        return {key: value or getattr(usual, key, value) for key, value in merged.items()}

    def _evaluate(self, method: str | Callable[..., Any], options: dict[str, Any]) -> Result:
        from .evaluation import evaluate
        from .text.json_values import plain

        result = evaluate(method, **options)
        if self._extra_info is not None:
            means = {metric: result.mean(metric) for metric in (*result.record.scores, *result.sets)}
            where = {key: options[key] for key in ("track", "dataset", "regime", "protocol", "seed")}
            self._extra_info["noisebench"] = plain({"method": _label(method), **where, **means})
        return result


def _label(method: str | Callable[..., Any]) -> str:
    return method if isinstance(method, str) else getattr(method, "__name__", "method")


def _fail_in_one_line(do: Callable[[], T]) -> T:
    """What `do` returns; its `UsageError` fails the test in one line."""
    from .text.errors import UsageError, message_of

    try:
        return do()
    except UsageError as error:
        message = message_of(error)
    # Not above, where pytest would show the error a second time.
    pytest.fail(f"noisebench: {message}", pytrace=False)


def _scored(record: Record) -> set[str]:
    """The metrics that a record has scores of, set metrics included."""
    return {*record.scores, *record.cell.sets}


def _question(record: Record) -> tuple[str | int, ...]:
    """What a record answers: track, method, dataset, regime and seed. What else differs, `check` judges."""
    cell = record.cell
    return cell.track, cell.method.spec, cell.dataset.spec, cell.regime.spec, cell.seed


def _record(result: Result, label: str) -> Record:
    """The record of a result as a baseline holds it: of a method by that name, without what differs each time."""
    from dataclasses import replace

    import numpy as np
    from msgspec import structs

    from .store.cell import MethodPart
    from .store.keys import key_of

    record, n = result.record, len(result.record.items)
    method = MethodPart(
        name=label, spec=label, display=label, versions={}, flags={}, cite="", sources={}, source_sha256=""
    )
    inputs = {**record.cell.inputs, "method": {"spec": label}}
    suite = {"name": "pytest", "rank_by": next(iter(record.cell.metrics), "")}
    cell = structs.replace(record.cell, key=key_of(inputs), method=method, notes=[], inputs=inputs, suite=suite)
    # Neither the time nor the pixels of a run belong into a file that is kept under version control.
    return replace(record, cell=cell, output_sha256=[""] * n, seconds=np.zeros(n))


def _file(item: pytest.Item) -> Path:
    """One file a test, so that tests in parallel processes never write the same one."""
    node = item.nodeid.split("::", 1)[-1]
    name = re.sub(r"[^A-Za-z0-9_.=-]+", "-", node).strip("-")
    if len(name) > MOST or not _SIMPLE.fullmatch(node):
        # Two tests must not share a file because their names differ only in what a file name cannot hold.
        name = f"{name[:MOST]}-{hashlib.sha256(node.encode('utf-8', 'replace')).hexdigest()[:8]}"
    return item.path.parent / FOLDER / item.path.stem / f"{name}.json"


@pytest.fixture
def noisebench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Evaluate a method and hold it against the baseline of this test: see `Bench`."""
    defaults = dict(_DEFAULTS)
    # The marker of a module or class holds for its tests; a nearer one overrides it.
    for marker in reversed(list(request.node.iter_markers("noisebench"))):
        given = {**dict(zip(("dataset", "regime"), marker.args, strict=False)), **marker.kwargs}
        unknown = sorted(given.keys() - defaults.keys())
        if unknown or len(marker.args) > 2:
            rejected = ", ".join(unknown) or "more than dataset and regime"
            pytest.fail(f"marker noisebench does not take {rejected}: it takes {', '.join(defaults)}", pytrace=False)
        defaults |= given
    extra_info = None
    if "benchmark" in request.fixturenames:
        extra_info = getattr(request.getfixturevalue("benchmark"), "extra_info", None)
    bench = Bench(_file(request.node), bool(request.config.getoption("--noisebench-update")), defaults, extra_info)
    yield bench
    if getattr(request.node, "_noisebench_passed", False):
        bench.save()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Remember a test that passed; scores of one that failed, was skipped or was interrupted are no baseline."""
    report = yield
    if report.when == "setup":  # of each attempt, where a test is run again
        item._noisebench_passed = None  # type: ignore[attr-defined]
    elif report.when == "call":  # of each part, where a test has such
        passed = report.passed and getattr(item, "_noisebench_passed", None) is not False
        item._noisebench_passed = passed  # type: ignore[attr-defined]
    return report
