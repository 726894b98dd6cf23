"""Weights in the files that papers publish them in: bytes → named tensors. Nothing in a file is ever executed."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

from ..text.errors import Skip, UsageError, one_line
from .folders import path_of

Tensors = dict[str, Any]
"""Name → CPU tensor."""


_FORMS = {
    ".safetensors": "safetensors", ".pth": "torch", ".pt": "torch", ".ckpt": "torch", ".bin": "torch", ".tar": "torch",
    ".mat": "matconvnet", ".h5": "keras",
}  # fmt: skip
_NESTS = ("model", "model_state_dict", "state_dict", "params_ema", "params-ema", "params", "net")
_DEPTH = 4
"""How deep a table of tensors is looked for: a hostile file may hold itself."""
_WRAPPERS = ("module.", "_orig_mod.")
"""What `DataParallel` and `torch.compile` put before every name."""


class _Malformed(ValueError):
    """A damaged or foreign file: the message continues a sentence that begins with its name; and the remedy."""

    def __init__(self, why: str, remedy: str = "get the file again") -> None:
        super().__init__(why)
        self.remedy = remedy


def load_checkpoint(path: str | os.PathLike[str]) -> Tensors:
    """The parameters of a network from its file, as `load_state_dict` takes them: name → CPU tensor.

    `.pth`, `.pt`, `.ckpt`, `.bin` and `.tar` as `torch.save` writes them, `.safetensors`, `.mat` of MatConvNet or `.h5`
    of Keras. The table of tensors is found within a training checkpoint (`state_dict`, `params_ema`, …), and freed of
    what `DataParallel` and `torch.compile` put before every name. Nothing in a file is ever executed. Raises
    `UsageError`, one line.

        >>> import torch
        >>> torch.save({"state_dict": {"module.weight": torch.ones(2)}}, "net.pth")
        >>> nb.load_checkpoint("net.pth")
        {'weight': tensor([1., 1.])}
    """
    file = path_of(path, "a checkpoint").expanduser()
    form = _FORMS.get(file.suffix.lower())
    if form is None:
        raise UsageError(f"checkpoint {one_line(file)} must end in {', '.join(_FORMS)}: which kind of file is it?")
    try:
        data = file.read_bytes()
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"checkpoint {one_line(file)} cannot be read ({why}): check the path") from None
    tensors = read_checkpoint(data, form, file)
    for wrapper in (*_WRAPPERS, *_WRAPPERS):  # either may be around the other
        if tensors and all(name.startswith(wrapper) for name in tensors):
            tensors = {name.removeprefix(wrapper): tensor for name, tensor in tensors.items()}
    return tensors


def read_checkpoint(data: bytes, form: str, where: object) -> Tensors:
    """The tensors of a file of `form`; a key of `readers` below. Raises `UsageError`, one line.

    For example:

        >>> import io
        >>> import torch
        >>> file = io.BytesIO()
        >>> torch.save({"epoch": 9, "state_dict": {"weight": torch.ones(2)}}, file)
        >>> nb.read_checkpoint(file.getvalue(), "torch", "net.pth")
        {'weight': tensor([1., 1.])}
    """
    readers: dict[str, Callable[[bytes], Tensors]] = {
        "safetensors": _safetensors,
        "torch": _torch,
        "matconvnet": _matconvnet,
        "keras": _keras,
    }
    if form not in readers:
        raise UsageError(f"{one_line(where)}: unknown form of weights {one_line(form)!r}")
    if not data:
        raise UsageError(f"{one_line(where)} is empty (0 bytes): get the file again")
    # Safetensors begin with the length of a header, which may look like a blank and a "<".
    if data[:512].lstrip()[:1] == b"<" and b"\0" not in data[:8]:
        raise UsageError(f"{one_line(where)} is a web page, not weights: get the file itself")
    try:
        return readers[form](data)
    except _Malformed as error:
        raise UsageError(f"{one_line(where)} {one_line(error, 200)}: {error.remedy}") from None


def _safetensors(data: bytes) -> Tensors:
    from safetensors.torch import load

    try:
        return load(data)
    except Exception as error:  # a type that torch lacks is a KeyError
        why = str(error).removeprefix("Error while deserializing: ")
        raise _Malformed(f"is not a safetensors file, or is damaged ({one_line(why, 100)})") from None


def _torch(data: bytes) -> Tensors:
    """A pickle of tensors and plain containers; the state dict within a training checkpoint is found."""
    import torch

    try:
        with torch.serialization.safe_globals(_inert()):
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        # Torch's message is several lines long, and recommends loading without the filter.
        if "weights_only" in str(error).lower():
            remedy = "save net.state_dict() alone, where it is yours"
            raise _Malformed(f"holds more than tensors, so it is not loaded ({type(error).__name__})", remedy) from None
        raise _Malformed(f"is damaged, so it is not loaded ({type(error).__name__})") from None
    for _ in range(_DEPTH):
        if isinstance(content, dict) and not _is_table(content):
            content = _table_in(content)
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if not isinstance(content, dict):
        raise _Malformed("holds no table of tensors")
    if not _is_table(content):
        raise _Malformed("has values other than tensors in its table", "save the state_dict of the network")
    return content


class _Ignored:
    """Stands in for numpy's objects of a checkpoint: numbers and arrays beside the tensors, such as scores.

    numpy's own functions would trust the bytes of a hostile file.
    """

    def __init__(self, *given: Any) -> None:
        """Ignore all arguments."""

    def __setstate__(self, state: Any) -> None:
        """Ignore the state."""


_OF_NUMPY = ("_core.multiarray.scalar", "core.multiarray.scalar", "_core.multiarray._reconstruct",
             "core.multiarray._reconstruct", "dtype", "ndarray")  # fmt: skip


def _inert() -> list[Any]:
    """Harmless types that training scripts save beside tensors: options, which have no code, and unread numbers."""
    import argparse

    return [argparse.Namespace, *((_Ignored, f"numpy.{name}") for name in _OF_NUMPY)]


def _is_table(value: Any) -> bool:
    import torch

    return isinstance(value, dict) and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items())


def _table_in(content: dict[Any, Any]) -> Any:
    """The value under a usual name, or the only table of tensors. Raises `_Malformed` where there are several."""
    for key in _NESTS:
        if isinstance(content.get(key), dict | list):
            return content[key]
    tables = [key for key, value in content.items() if value and _is_table(value)]
    if len(tables) > 1:
        names = ", ".join(repr(str(key)) for key in tables[:5])
        raise _Malformed(f"holds several networks, {names}", "save the one that restores by itself")
    if not tables:
        raise _Malformed("has values other than tensors in its table", "save the state_dict of the network")
    return content[tables[0]]


def _matconvnet(data: bytes) -> Tensors:
    """A MatConvNet "simplenn" network in MATLAB's HDF5 form → `conv00.weight`, `conv00.bias`, … in order.

    MATLAB stores (h, w, in, out) column by column, which HDF5 readers see as (out, in, w, h); singleton last
    axes are dropped. MatConvNet correlates, as torch does, so nothing is flipped.
    """
    h5py = _h5py("MATLAB")
    import numpy as np
    import torch

    tensors: Tensors = {}
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            number = 0
            for reference in _numbers(file["net/layers"]).ravel():
                layer = file[reference]
                if bytes(_numbers(layer["type"]).astype(np.uint8)) != b"conv":
                    continue
                kernel, bias = (_numbers(file[r]) for r in _numbers(layer["weights"]).ravel())
                bias = bias.reshape(-1)
                if kernel.ndim == 3:  # (in, w, h): one output
                    kernel = kernel[None]
                if kernel.ndim != 4 or kernel.shape[0] != bias.size:
                    raise ValueError("a layer's shape")
                for part, values in (("weight", kernel.transpose(0, 1, 3, 2)), ("bias", bias)):
                    array = np.ascontiguousarray(values, dtype=np.float32)
                    tensors[f"conv{number:02d}.{part}"] = torch.from_numpy(array)
                number += 1
    except Exception as error:
        raise _Malformed(f"is not a MatConvNet network ({type(error).__name__})") from None
    if not tensors:
        raise _Malformed("is a MatConvNet network without convolutions")
    return tensors


def _keras(data: bytes) -> Tensors:
    """A Keras model in HDF5 → `conv1.kernel` (out, in, h, w), `bn4.gamma`, …: the layer, a dot, the variable.

    Keras stores kernels as (h, w, in, out) and correlates, as torch does. Only the arrays are read: a model's own
    code and configuration are not looked at.
    """
    h5py = _h5py("Keras")
    import numpy as np
    import torch

    tensors: Tensors = {}
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            # A file of weights alone has the layers at its root.
            for layer, group in file.get("model_weights", file).items():
                arrays: dict[str, Any] = {}
                group.visititems(
                    lambda name, item, arrays=arrays: arrays.update({name: item}) if hasattr(item, "shape") else None
                )
                for name, item in arrays.items():
                    values = np.asarray(_numbers(item), dtype=np.float32)
                    if values.ndim == 4:
                        values = values.transpose(3, 2, 0, 1)
                    variable = name.rpartition("/")[2].partition(":")[0]
                    tensors[f"{layer}.{variable}"] = torch.from_numpy(np.ascontiguousarray(values))
    except Exception as error:
        raise _Malformed(f"is not a Keras model ({type(error).__name__})") from None
    if not tensors:
        raise _Malformed("is a Keras model without weights")
    return tensors


def _numbers(array: Any) -> Any:
    """The numbers of an HDF5 array. Raises ValueError where they lie in another file of the machine."""
    if array.external or array.is_virtual:
        raise ValueError("its numbers are in another file")
    return array[()]


def _h5py(form: str) -> Any:
    try:
        import h5py  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise Skip(f"needs the package h5py (weights in {form} form): pip install h5py") from None
    return h5py
