"""Published weights: where they are looked for, and their SHA-256 checked before anything is read."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..text.errors import Skip, UsageError, one_line
from .checkpoints import Tensors, read_checkpoint
from .folders import path_of
from .roots import weight_roots

_SMALLEST_NORMAL = 2.0**-126


@dataclass(frozen=True)
class WeightFile:
    """One file that holds the parameters of a network. `also` is its name where it was published, if another.

    `form` is `safetensors`, `torch`, `matconvnet` or `keras`; `origin` says who published it, and where, and ends in
    `(converted)` for a file that was made of the published one.

        >>> file = nb.WeightFile("net.pth", 64 * "0", "torch", "example.org/net", "MIT", also="best.pth")
        >>> file.file, file.also
        ('net.pth', 'best.pth')
    """

    file: str
    sha256: str
    form: str
    origin: str
    licence: str
    also: str = ""


def read_weight_table(path: Path) -> dict[str, tuple[WeightFile, ...]]:
    """A CSV of known files, by network; several files of one network hold the same parameters, best first.

    Its columns are `network` and the fields of `WeightFile`. Raises `UsageError` for another file.

        >>> lines = "network,file,sha256,form,origin,licence", f"dncnn,dncnn.pth,{64 * '0'},torch,example.org,MIT"
        >>> _ = Path("weights.csv").write_text(chr(10).join(lines))
        >>> nb.read_weight_table("weights.csv")["dncnn"][0].file
        'dncnn.pth'
    """
    table: dict[str, tuple[WeightFile, ...]] = {}
    try:
        with path_of(path, "a table of weights").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                network = row.pop("network")
                table[network] = (*table.get(network, ()), WeightFile(**row))
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError) as error:
        raise UsageError(f"table of weights {one_line(path)} cannot be read: {one_line(error)}") from None
    return table


def places_of(root: Path, name: str) -> Iterator[Path]:
    """`name` in a root or in one of its folders."""
    yield root / name
    try:
        folders = sorted(p for p in root.iterdir() if p.is_dir())
    except OSError:
        return
    for folder in folders:
        yield folder / name


def find_weights(files: Sequence[WeightFile]) -> tuple[Path, WeightFile]:
    """The first of `files` that is there. Raises `Skip` with the published name and where it was looked for."""
    roots = weight_roots()
    for root in roots:
        for known in files:
            for name in (known.file, known.also):
                for place in places_of(root, name) if name else ():
                    if place.is_file():
                        return place, known
    searched = ", ".join(one_line(r) for r in roots)
    published = next((known for known in files if not known.origin.endswith("(converted)")), files[0])
    name = published.also or published.file
    raise Skip(
        f"needs the weights {name} ({published.origin}), not found in {searched}: "
        "give their folder with --weights or $NOISEBENCH_WEIGHTS, as docs/data.md says",
        needs=f"weights {name}",
    )


def load_weights(files: Sequence[WeightFile]) -> tuple[Tensors, WeightFile]:
    """The tensors of the first of `files` that is there, and which one that was.

    Values below the smallest normal float32 are 0: with them a convolution on a CPU takes forty times as long, and no
    output differs. Raises `Skip` where none is there, `UsageError` where it is not the published file: its bytes are
    hashed before they are parsed.

        >>> import hashlib, os
        >>> import torch
        >>> torch.save({"weight": torch.ones(2)}, "net.pth")
        >>> sha256 = hashlib.sha256(Path("net.pth").read_bytes()).hexdigest()
        >>> os.environ["NOISEBENCH_WEIGHTS"] = "."
        >>> tensors, file = nb.load_weights([nb.WeightFile("net.pth", sha256, "torch", "example.org/net", "MIT")])
        >>> tensors
        {'weight': tensor([1., 1.])}
    """
    place, known = find_weights(files)
    try:
        data = place.read_bytes()
    except OSError as error:
        raise UsageError(f"weights {one_line(place)} cannot be read: {error.strerror}") from None
    sha = hashlib.sha256(data).hexdigest()
    if sha != known.sha256:
        raise UsageError(
            f"weights {one_line(place)} are not the published ones (SHA-256 {sha[:12]}…, not "
            f"{known.sha256[:12]}…; {len(data)} bytes): get {one_line(known.origin)} again"
        )
    tensors = read_checkpoint(data, known.form, place)
    return {name: _without_subnormals(tensor) for name, tensor in tensors.items()}, known


def _without_subnormals(tensor: Any) -> Any:
    """A tensor with 0 in the place of values that have not all digits of float32."""
    return tensor.masked_fill(tensor.abs() < _SMALLEST_NORMAL, 0) if tensor.is_floating_point() else tensor
