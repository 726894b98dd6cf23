"""The decorators that register components, one a kind. A track checks what only it knows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ..text.errors import UsageError, one_line
from .entry import Entry, parameters_of
from .registry import REGISTRIES, Bound, registry
from .tracks import DEFAULT, get_track

F = TypeVar("F", bound=Callable[..., Any])
ROLES = ("", "baseline", "sanity", "optimum")
"""What a method is on a board: a contender; the input as it is; a row that is there to be beaten; the best possible."""


def component(
    kind: str, name: str, version: int, meta: Mapping[str, Any], track: str, *, made_of: int = 0
) -> Callable[[F], F]:
    """Register an object of any kind; a class takes `made_of` arguments without a name.

    Raises `UsageError` where the name is taken, and for what cannot be called.
    """
    if not isinstance(name, str):
        label = getattr(name, "__name__", f"a_{kind}")
        raise UsageError(f'{kind} {label!r} has no name: write @nb.{kind}("{label}")')
    if type(version) is not int or version < 1:
        raise UsageError(f"{kind} {name!r}: version must be a whole number from 1, not {one_line(repr(version), 60)}")

    def register(obj: F) -> F:
        _refuse_positional(obj, kind, name, made_of)
        entry = Entry(name, obj, version, dict(meta))
        for parameter in entry.checked:
            if parameter not in entry.params:
                raise UsageError(f"{kind} {name!r}: its check takes {parameter!r}, which is no parameter of it")
        registry(kind, track).add(entry)
        return obj

    return register


def checked(check: Callable[..., None]) -> Callable[[F], F]:
    """Have `check` refuse parameters that do not fit together, before anything runs; it raises `UsageError`.

    `check` takes some of the parameters by name, a nested spec as its `Bound`. This decorator stands below the one
    that registers. Specs are refused in planning, as for values out of range. Raises `UsageError` where the decorator
    stands elsewhere or twice, and for a check whose parameters have no names.

        >>> def odd(*, size):
        ...     if size % 2 == 0:
        ...         raise nb.UsageError(f"size={size} is even: give an odd one")
        >>> @nb.method("window_mean", layout="hwc")
        ... @nb.checked(odd)
        ... def window_mean(noisy, info, *, size: int = 3):
        ...     '''The mean of a window.'''
        >>> nb.bind("window_mean(size=4)", "method")
        Traceback (most recent call last):
        noisebench.text.errors.UsageError: method 'window_mean': size=4 is even: give an odd one
    """
    if inspect.isclass(check) or not callable(check):
        raise UsageError(f"nb.checked takes a function of parameters, not {one_line(repr(check), 60)}")
    if any(p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters_of(check)):
        raise UsageError(f"nb.checked: {one_line(repr(check), 60)} takes parameters that have no name")

    def mark(obj: F) -> F:
        name = getattr(obj, "__name__", one_line(repr(obj), 60))
        if not hasattr(obj, "__dict__"):
            raise UsageError(
                f"nb.checked marks a function or a class, not {name}: write @nb.checked(function) above it"
            )
        if any(entry.obj is obj for known in REGISTRIES.values() for entry in known.entries()):
            raise UsageError(f"{name!r} is registered already: nb.checked stands below the decorator that registers")
        if "parameter_check" in vars(obj):
            raise UsageError(f"{name!r} has a check already: make one function of both")
        obj.parameter_check = check  # type: ignore[attr-defined]
        return obj

    return mark


def at_most(less: str, more: str) -> Callable[..., None]:
    """A check that the parameter `less` is no more than `more`: `@nb.checked(nb.at_most("least", "most"))`.

    For example:

        >>> @nb.regime("between")
        ... @nb.checked(nb.at_most("low", "high"))
        ... def between(x, rng, *, low: float = 0.0, high: float = 1.0):
        ...     '''The picture, clipped.'''
        ...     return x.clip(low, high), {}
        >>> nb.degrade("between(low=2.0)", np.zeros((4, 4)))
        Traceback (most recent call last):
        noisebench.text.errors.UsageError: regime 'between': low=2 is above high=1: give less for low, or exchange them
    """

    def refuse(**given: float) -> None:
        if given[less] > given[more]:
            raise UsageError(
                f"{less}={given[less]:g} is above {more}={given[more]:g}: give less for {less}, or exchange them"
            )

    named = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in (less, more)]
    refuse.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    return refuse


def _names(kind: str, name: object, field: str, given: Sequence[str]) -> tuple[str, ...]:
    """The names that a field lists. Raises `UsageError` for a text, whose letters would be taken for names."""
    if isinstance(given, str):
        raise UsageError(f"{kind} {name!r}: {field} is a list of names: write {field}=({given!r},)")
    return tuple(given)


def _refuse_positional(obj: Callable[..., Any], kind: str, name: str, made_of: int) -> None:
    """Raise `UsageError` for a parameter of a spec that is not keyword-only."""
    is_class = inspect.isclass(obj)
    target = obj.__init__ if is_class else obj
    if target is object.__init__:
        return
    for p in list(inspect.signature(target).parameters.values())[1 + made_of if is_class else 0 :]:
        if p.kind is p.POSITIONAL_OR_KEYWORD and (is_class or p.default is not p.empty):
            raise UsageError(f"{kind} {name!r}: parameter {p.name!r} goes by name alone: parameters go after `*`")


def method(
    name: str,
    *,
    track: str = DEFAULT,
    version: int = 1,
    needs: Sequence[str] = (),
    requires: Sequence[str] = (),
    weights: Sequence[str] = (),
    blind: bool = False,
    zero_shot: bool = False,
    self_ensemble: bool = False,
    tiled: bool = False,
    trained_on: Sequence[str] = (),
    oracle: bool = False,
    role: str = "",
    family: str = "",
    named: bool = False,
    cite: str = "",
    **declared: Any,
) -> Callable[[F], F]:
    """Register a method: a function of the input and its info, or a class, as its track calls it.

    In `restore`: `f(noisy, info, **params)`, or a class with `restore(noisy, info)`; `noisy` is a float32 tensor
    (1, C, H, W), nominally [0, 1], or with `layout="hwc"` a numpy (H, W, C); the same shape comes back.

    `needs` lists what the regime must disclose (`peak|looks`: either), `requires` the import names of packages that
    may be absent. `role` is one of `ROLES`. Methods of one `family`, such as the grey and the colour network of one
    paper, are one contender where boards stand together. `named` methods get the item's id as `info.item`, for
    results that exist already; an `oracle` gets the item itself. `declared` is what the track declares further (in
    `restore`: `layout`, and `enhances` for a method that is meant to change the brightness). Raises `UsageError`.

        >>> @nb.method("halved", layout="hwc", blind=True)
        ... def halved(noisy, info, *, by: float = 2.0):
        ...     '''The noisy picture, darker.'''
        ...     return noisy / by
        >>> nb.evaluate("halved(by=4)", "gaussian_field(n=1, size=32)").psnr < 30
        True
    """
    if role not in ROLES:
        raise ValueError(f"role is one of {', '.join(map(repr, ROLES))}, not {role!r}")
    meta = {
        "needs": _names("method", name, "needs", needs), "requires": _names("method", name, "requires", requires),
        "weights": _names("method", name, "weights", weights), "blind": blind, "zero_shot": zero_shot,
        "self_ensemble": self_ensemble, "tiled": tiled,
        "trained_on": _names("method", name, "trained_on", trained_on),
        "oracle": oracle, "role": role, "family": family, "named": named, "cite": cite,
        **get_track(track).declare("method", declared),
    }  # fmt: skip
    return component("method", name, version, meta, track)


def dataset(name: str, *, track: str = DEFAULT, version: int = 1, **meta: Any) -> Callable[[F], F]:
    """Register a dataset: a function of keyword parameters that returns a `Dataset`. `meta` is licence, homepage, …

    `own_files=True`: it reads the user's files, which may change under one spec. `truthless=True`: its items have no
    truth to train on.

        >>> @nb.dataset("grey", licence="CC0-1.0")
        ... class Grey:
        ...     '''One grey picture.'''
        ...     ids = ("grey",)
        ...     def load(self, index):
        ...         return nb.Sample("grey", np.full((16, 16), 128, np.uint8))
        >>> 19 < nb.evaluate("identity", "grey").psnr < 22
        True
    """
    return component("dataset", name, version, meta, track)


def regime(
    name: str,
    *,
    track: str = DEFAULT,
    version: int = 1,
    discloses: Sequence[str] = (),
    source: str = "clean",
    **declared: Any,
) -> Callable[[F], F]:
    """Register a regime, which the track calls to make a case of an item.

    In `restore`: `f(x, rng, **params) -> (y, disclosed)`; `x` and `y` are float64 (H, W, C), `x` on [0, 1] at the
    head of a chain and never changed in place; `rng` is a keyed numpy Generator; `disclosed` maps names of `Info` to
    values on the [0, 1] scale, None for what is there but kept secret. `source="noisy"` takes the dataset's own
    noisy picture as `x`. `f` raises `Skip` for an item to which it does not apply, `UsageError` for parameters that
    do not fit together.

    `declared` is what the track declares further. In `restore`, of a sum of regimes: `keeps`, the names that earlier
    regimes disclosed and that are still true after this one (default none; `("*",)`: all, as where noise is added);
    `adds_up`, for names that it discloses a function of the earlier and this value that gives that of both; `cuts`,
    the names of parameters that make it clip or round what it made; `planes`, names that it discloses as arrays of the
    size of `y`, which the batches of a training have too, as float32 (B, 1, H, W); `title`, how tables write it, such
    as `σ = {sigma}` (default: its name and its parameters).

        >>> @nb.regime("shifted", discloses=("shift",))
        ... def shifted(x, rng, *, most: float = 0.1):
        ...     '''A brightness that is off by up to `most`.'''
        ...     shift = rng.uniform(0, most)
        ...     return x + shift, {"shift": shift}
        >>> noisy, info = nb.degrade("shifted(most=0.2)", np.zeros((4, 4)))
        >>> bool(0 < info.shift < 0.2)
        True
    """
    meta = {
        "discloses": _names("regime", name, "discloses", discloses), "source": source,
        **get_track(track).declare("regime", declared),
    }  # fmt: skip
    return component("regime", name, version, meta, track)


def metric(
    name: str,
    version: int = 1,
    *,
    track: str = DEFAULT,
    higher: bool = True,
    unit: str = "",
    decimals: int = 4,
    order: int = 100,
    gate: Mapping[str, float] | None = None,
    describe: Callable[[Bound], dict[str, Any]] | None = None,
    title: str = "",
    goal: str | Callable[[Bound], str] = "",
    **declared: Any,
) -> Callable[[F], F]:
    """Register a metric, which the track calls; `NotDefined(reason)` is its value where it has none.

    In `restore`: `f(pair, **params) -> float`; with `residual=True` the pair has one, where the noisy input is known;
    with `missing=True` it has the mask of missing pixels, and its other pixels are the input's, where both are known.

    `decimals` is how many are printed; metrics stand on a board by `order`, then by name. `gate` is what a check lets
    pass where no rule speaks: `max_drop` of the mean, `max_drop_item` of one item, in the unit. `describe` says of a
    bound metric what is stored with it, such as the hash of its weights. `title` is what figures call it, such as
    `PSNR`; its name where that is empty. `goal` says what boards show as best in place of `higher`, and is in no key: a
    number such as "1", "none", or by the parameters of a bound metric "higher" or "lower".

        >>> @nb.metric("largest_error", higher=False)
        ... def largest_error(pair):
        ...     '''The largest error of a pixel, in units of the data range.'''
        ...     return float(abs(pair.x.astype(float) - pair.y).max() / pair.peak)
        >>> nb.score(np.full((4, 4), 51, np.uint8), np.zeros((4, 4), np.uint8), "largest_error")
        {'largest_error': 0.2}
    """
    meta = {
        "higher": higher, "unit": unit, "decimals": decimals, "order": order, "gate": dict(gate or {}),
        "describe": describe, "title": title, "goal": goal, **get_track(track).declare("metric", declared),
    }  # fmt: skip
    return component("metric", name, version, meta, track)


def protocol(name: str, version: int = 1, *, track: str = DEFAULT, **declared: Any) -> Callable[[F], F]:
    """Register a protocol: what is done to outputs and truths before a metric compares them.

    In `restore`: `f(picture, **params) -> picture`, called for the restored and for the clean one. With `bits=8` the
    picture comes clipped and rounded to uint8, else as float64 on [0, 1], unclipped; both (H, W, C). The result is
    (H, W, C), uint8 or float; `peak` is its data range: where nothing is said 255 with `bits=8`, else 1.
    `keeps=(low, high)`, without `bits`, says that values of that range stay as they are, that others come out each by
    itself, and that float32 may be given too: metrics that add up over values then need no whole copies.

        >>> @nb.protocol("middle", bits=8)
        ... def middle(picture):
        ...     '''Eight bits, without a border of two pixels.'''
        ...     return picture[2:-2, 2:-2]
        >>> nb.score(np.eye(8), np.zeros((8, 8)), "mae", "middle")
        {'mae': 0.25}
    """
    return component("protocol", name, version, get_track(track).declare("protocol", declared), track)


def disclosed_by(regime: Bound) -> set[str]:
    """Names that a regime, or a sum, discloses: all of its last part, and of earlier parts what later ones keep."""
    names: set[str] = set()
    for part in regime.parts:
        keeps = part.entry.meta.get("keeps", ("*",))
        names = {name for name in names if "*" in keeps or name in keeps} | set(part.entry.meta["discloses"])
    return names


def refuse_own_input_behind(regime: Bound) -> None:
    """Raise `UsageError` where a regime that takes the dataset's noisy item is not the first of its sum."""
    for part in regime.parts[1:]:
        if part.entry.meta.get("source", "clean") != "clean":
            raise UsageError(f"regime {part.entry.name!r} can only stand first in {regime.display!r}")
