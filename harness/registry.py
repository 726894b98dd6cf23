"""One lazy registry for methods, datasets, regimes, metrics and protocols; and the binding of specs to them."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import types
import typing
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from .errors import UsageError, nearest, one_line
from .spec import Spec, Value, expand, parse, show


@dataclass(frozen=True)
class Entry:
    """A registered thing: what to call, its version, what is declared of it, and its keyword parameters."""

    name: str
    obj: Callable[..., Any]
    version: int = 1
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def doc(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.obj) or "").partition("\n")[0]

    def params(self) -> dict[str, tuple[Any, Any]]:
        """Keyword-only parameters as name → (annotation, default or `inspect.Parameter.empty`)."""
        target = self.obj.__init__ if inspect.isclass(self.obj) else self.obj
        if target is object.__init__:
            return {}
        try:
            hints = typing.get_type_hints(target, include_extras=True)
        except Exception as error:
            raise UsageError(f"{self.name!r}: its annotations cannot be read: {one_line(error)}") from None
        return {
            p.name: (hints.get(p.name, Any), p.default)
            for p in inspect.signature(target).parameters.values()
            if p.kind is p.KEYWORD_ONLY
        }


class Registry:
    """Names to entries. Built-in names and entry points are imported on first use only."""

    def __init__(self, kind: str, group: str | None = None, lazy: Mapping[str, Iterable[str]] | None = None):
        self.kind = kind
        self.group = group
        self._entries: dict[str, Entry] = {}
        self._lazy = {name: module for module, names in (lazy or {}).items() for name in names}
        self._points_read = group is None

    def add(self, entry: Entry) -> None:
        """Register. Raises `UsageError` where the name is taken by another object."""
        if not entry.name.isidentifier():
            raise UsageError(f"{self.kind} name {one_line(entry.name)!r} is not an identifier (letters, digits, _)")
        held = self._entries.get(entry.name)
        if held is not None and _origin(held.obj) != _origin(entry.obj):
            raise UsageError(
                f"{self.kind} {entry.name!r} is registered twice: in {_origin(held.obj)[0]} and in "
                f"{_origin(entry.obj)[0]}; rename one of them"
            )
        owner = self._lazy.get(entry.name)
        if owner is not None and owner != _origin(entry.obj)[0]:
            raise UsageError(f"{self.kind} {entry.name!r} is taken by {owner}; choose another name")
        self._entries[entry.name] = entry

    def names(self) -> list[str]:
        """All names, sorted; imports nothing."""
        self._read_points()
        return sorted({*self._entries, *self._lazy})

    def get(self, name: str) -> Entry:
        """The entry. Raises `UsageError` with the nearest match, or naming what failed to import."""
        if name not in self._entries:
            if name not in self._lazy:
                self._read_points()
            module = self._lazy.get(name)
            if module is None:
                raise UsageError(f"unknown {self.kind} {one_line(name)!r}: {nearest(name, self.names())}")
            try:
                importlib.import_module(module)
            except UsageError:
                raise
            except Exception as error:
                raise UsageError(
                    f"{self.kind} {name!r}: importing {module} failed: {type(error).__name__}: {one_line(error)}"
                ) from error
            if name not in self._entries:
                raise UsageError(f"{self.kind} {name!r}: {module} does not register it")
        return self._entries[name]

    def name_of(self, obj: Any) -> str:
        """The name under which this very function or class is registered, or an empty text; imports nothing."""
        return next((name for name, entry in self._entries.items() if entry.obj is obj), "")

    def load_built_in(self) -> None:
        """Import every module of the package that registers here."""
        for module in {m for m in self._lazy.values() if m.startswith(__name__.partition(".")[0] + ".")}:
            importlib.import_module(module)

    def _read_points(self) -> None:
        if self._points_read or self.group is None:
            return
        self._points_read = True
        from importlib.metadata import entry_points

        for point in entry_points(group=self.group):
            self._lazy.setdefault(point.name, point.value.partition(":")[0])


def _origin(obj: Callable[..., Any]) -> tuple[str, str]:
    return getattr(obj, "__module__", "?"), getattr(obj, "__qualname__", "?")


METHODS = Registry(
    "method",
    "noisebench.methods",
    {
        "noisebench.methods.sanity": ("identity", "oracle", "bayes_optimum"),
        "noisebench.methods.classical": (
            "gaussian_filter", "median", "adaptive_median", "bilateral", "nlm", "bayes_shrink", "visu_shrink",
            "tv_chambolle", "wiener", "bm3d", "vst",
        ),
        "noisebench.methods.pictures": ("folder",),
        "noisebench.methods.wrappers": ("tiled", "ensemble"),
        "noisebench.methods.programs": ("command",),
        "noisebench.methods.zoo": ("spandrel",),
        "noisebench.methods.networks": ("dncnn", "ffdnet", "bf_cnn"),
        "noisebench.methods.keras": ("dncnn_keras",),
        "noisebench.methods.enhance": ("sci", "zero_dce"),
        "noisebench.methods.estimated": ("estimated",),
        "noisebench.methods.robustness": ("misinformed",),
        "noisebench.methods.attack": ("attacked",),
        "noisebench.methods.inverse": (
            "bicubic", "lanczos", "telea", "biharmonic", "richardson_lucy", "wiener_deconv", "jpeg_reapply",
        ),
    },
)  # fmt: skip
DATASETS = Registry(
    "dataset",
    "noisebench.datasets",
    {
        "noisebench.datasets.files": ("folder", "pairs"),
        "noisebench.datasets.embedded": ("photos",),
        "noisebench.datasets.derived": ("luma",),
        "noisebench.datasets.named": (
            "set5", "set12", "set14", "bsd68", "cbsd68", "kodak24", "kodak24_crop500", "polyu", "mri_knee",
            "lowlight_easy", "lowlight_medium",
        ),
        "noisebench.datasets.synthetic": ("gaussian_field", "piecewise"),
    },
)  # fmt: skip
REGIMES = Registry(
    "regime",
    "noisebench.regimes",
    {
        "noisebench.regimes.additive": (
            "gaussian", "gaussian_range", "laplace", "uniform", "salt_pepper", "impulse", "mixture",
            "correlated", "stripes",
        ),
        "noisebench.regimes.physical": ("poisson", "poisson_gaussian", "gamma", "rayleigh", "rician", "sensor"),
        "noisebench.regimes.compat": ("kair", "restormer", "dncnn_matlab"),
        "noisebench.regimes.operators": ("none", "real", "jpeg", "quantize", "mask", "downsample", "blur"),
    },
)  # fmt: skip
METRICS = Registry(
    "metric",
    "noisebench.metrics",
    {
        "noisebench.scoring.fidelity": ("psnr", "ssim", "ms_ssim", "mse", "mae"),
        "noisebench.scoring.perceptual": ("gmsd", "vif", "haarpsi", "snr", "nrmse", "epi", "enl"),
        "noisebench.scoring.sets": ("fid", "fid_infinity", "patch_fid", "fd", "fd_infinity", "kid"),
        "noisebench.scoring.no_reference": ("brightness", "entropy", "noise_level", "lightness_order"),
        "noisebench.scoring.diagnostics": (
            "error_autocorrelation", "error_high_share", "error_band", "residual_autocorrelation",
            "residual_whiteness", "psnr_flat", "psnr_edge", "psnr_texture",
        ),
        "noisebench.scoring.vision": ("psnr_hvs", "fsim"),
        "noisebench.scoring.iqa": ("pyiqa", "lpips", "dists", "niqe", "brisque"),
    },
)  # fmt: skip
PROTOCOLS = Registry("protocol", None, {"noisebench.scoring.protocol": ("uint8", "float", "raw", "y8", "gray8")})
REGISTRIES = {r.kind: r for r in (METHODS, DATASETS, REGIMES, METRICS, PROTOCOLS)}

MethodSpec = Annotated[Spec, "method"]
"""Annotation of a parameter that is itself a method spec, such as `vst(method=nlm(h=0.8))`."""
DatasetSpec = Annotated[Spec, "dataset"]
"""Annotation of a parameter that is itself a dataset spec, such as `luma(of=set5)`."""


@dataclass(frozen=True)
class Bound:
    """A spec whose names and values are checked: what to call with which arguments, and how it prints."""

    entry: Entry
    kwargs: Mapping[str, Any]
    canonical: str
    display: str
    then: tuple[Bound, ...] = ()
    inner: tuple[Bound, ...] = ()

    @property
    def parts(self) -> tuple[Bound, ...]:
        """The summands of `a + b`."""
        return (self, *self.then)

    @property
    def versions(self) -> dict[str, int]:
        """Version of every entry named, nested ones included."""
        found = {self.entry.name: self.entry.version}
        for other in (*self.then, *self.inner):
            found.update(other.versions)
        return found

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry named, nested ones included."""
        return (self.entry, *(e for b in (*self.then, *self.inner) for e in b.entries))

    def __str__(self) -> str:
        return self.canonical


def bind(spec: Spec | str, registry: Registry) -> Bound:
    """Check `spec` against what is registered. Raises `UsageError` for an unknown name, key, type or range."""
    if isinstance(spec, str):
        spec = parse(spec)
    entry = registry.get(spec.name)
    params = entry.params()
    given: dict[str, Value] = {}
    for key, value in spec.args:
        if key not in params:
            raise UsageError(f"{registry.kind} {spec.name!r} has no parameter {key!r}: {nearest(key, params)}")
        if key in given:
            raise UsageError(f"{registry.kind} {spec.name!r}: parameter {key!r} is given twice")
        given[key] = value
    kwargs: dict[str, Any] = {}
    inner: list[Bound] = []
    full: list[str] = []
    short: list[str] = []
    for key in sorted(params):
        annotation, default = params[key]
        if key not in given and default is inspect.Parameter.empty:
            raise UsageError(f"{registry.kind} {spec.name!r} needs {key}: write {spec.name}({key}=…)")
        kind = _nested_kind(annotation)
        if kind is not None:
            value = given.get(key, default)
            if isinstance(value, str | Spec):
                nested = bind(value, REGISTRIES[kind])
                inner.append(nested)
                kwargs[key] = nested
                full.append(f"{key}={nested.canonical}")
                if key in given:
                    short.append(f"{key}={nested.display}")
                continue
            raise UsageError(f"{registry.kind} {spec.name!r}: {key} must be a {kind} spec, not {value!r}")
        value = _coerce(given[key], annotation, f"{registry.kind} {spec.name!r}: {key}") if key in given else default
        if key not in given and isinstance(value, int) and not isinstance(value, bool):
            value = _coerce(value, annotation, f"{registry.kind} {spec.name!r}: default of {key}")
        kwargs[key] = value
        full.append(f"{key}={show(value, full=True)}")
        if key in given and value != default:
            short.append(f"{key}={show(value)}")
    canonical = f"{spec.name}({', '.join(full)})" if full else spec.name
    display = f"{spec.name}({', '.join(short)})" if short else spec.name
    then = tuple(bind(part, registry) for part in spec.then)
    if then and registry is not REGIMES:
        raise UsageError(f"{registry.kind} {str(spec)!r}: only regimes add up with '+'")
    return Bound(
        entry,
        kwargs,
        " + ".join([canonical, *(b.canonical for b in then)]),
        " + ".join([display, *(b.display for b in then)]),
        then,
        tuple(inner),
    )


def bind_all(texts: Iterable[str], registry: Registry) -> list[Bound]:
    """Expand sweeps and bind each, in order. Raises `UsageError`, for a spec given twice too."""
    bounds: dict[str, Bound] = {}
    for text in texts:
        for spec in expand(text):
            bound = bind(spec, registry)
            if bound.canonical in bounds:
                raise UsageError(f"{registry.kind} {bound.display!r} is given twice")
            bounds[bound.canonical] = bound
    return list(bounds.values())


def _nested_kind(annotation: Any) -> str | None:
    if typing.get_origin(annotation) is Annotated and typing.get_args(annotation)[0] is Spec:
        return str(typing.get_args(annotation)[1])
    return None


def _coerce(value: Value, annotation: Any, where: str) -> Any:
    from pydantic import ValidationError

    plain = _bare(value, where)
    if annotation is Any:
        return plain
    try:
        adapter = _adapter(annotation) if isinstance(annotation, Hashable) else _adapter.__wrapped__(annotation)
        checked = adapter.validate_python(plain, strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        message = problem["msg"].replace("Input should be", "must be")
        choices = [
            c.strip("' ") for c in str(problem.get("ctx", {}).get("expected", "")).replace(" or ", ",").split(",")
        ]
        hint = f"; {nearest(plain, choices)}" if isinstance(plain, str) and problem["type"] == "literal_error" else ""
        raise UsageError(f"{where} {one_line(message)}, not {plain!r}{hint}") from None
    return checked


@lru_cache(maxsize=1024)
def _adapter(annotation: Any) -> Any:
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))


def _bare(value: Value, where: str) -> Any:
    """Bare names as text, in tuples too: where no spec is due, `anscombe` means 'anscombe'."""
    if isinstance(value, tuple):
        return tuple(_bare(v, where) for v in value)
    if isinstance(value, Spec):
        if value.args or value.then:
            raise UsageError(f"{where} is a plain value, not the spec {str(value)!r}")
        return value.name
    return value


def load_plugin(path: str | Path) -> types.ModuleType:
    """Import a plug-in file; its folder becomes importable. Raises `UsageError` naming the file."""
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise UsageError(f"plug-in {one_line(path)} is not a file: give --plugin the path of a .py file")
    name = f"noisebench_plugin_{file.stem}" if not file.stem.isidentifier() else file.stem
    folder = str(file.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    held = sys.modules.get(name)
    if held is not None:
        if getattr(held, "__file__", None) == str(file):
            return held
        name = f"noisebench_plugin_{name}_{abs(hash(str(file)))}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"plug-in {one_line(file)} cannot be imported: its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except UsageError:
        sys.modules.pop(name, None)
        raise
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise UsageError(f"plug-in {one_line(file)} failed: {type(error).__name__}: {one_line(error)}") from error
    return module
