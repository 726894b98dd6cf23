"""What passes between the two processes of a cell: questions to the method, plain values back.

The scorer is trusted by the method's process, and its questions are pickled. The method's process is not trusted: what
it says is JSON and bare bytes of arrays, and is checked before it is used. Each message is a few parts: their number,
their lengths, their bytes.
"""

from __future__ import annotations

import json
import math
import pickle
import re
import socket
import struct
from collections.abc import Sequence
from typing import Any, Protocol

from ..text.errors import Invalid

_COUNT, _LENGTH = struct.Struct("<I"), struct.Struct("<Q")
_MOST_PARTS = 4096
_DTYPE = re.compile(r"[<>|][biufc]\d{1,2}")
_PLAIN = (type(None), bool, int, float, str)


class MethodProcess(Protocol):
    """The method's process, as it is asked: `ask` sends, `answered` waits, `asked` is both."""

    def ask(self, *question: Any) -> None: ...
    def answered(self) -> Any: ...
    def asked(self, *question: Any) -> Any: ...


class HungUp(Exception):
    """The other process has ended, or has closed its end."""


def ask(channel: socket.socket, *question: Any) -> None:
    """Send a question to the method's process. Raises `HungUp`, and TypeError and the like for what no pickle holds."""
    arrays: list[pickle.PickleBuffer] = []
    body = pickle.dumps(question, protocol=5, buffer_callback=arrays.append)
    _send(channel, [body, *(array.raw() for array in arrays)])


def hear(channel: socket.socket) -> Any:
    """The next question, in the method's process. Raises `HungUp`."""
    body, *arrays = _receive(channel)
    return pickle.loads(body, buffers=arrays)


def answer(channel: socket.socket, value: Any) -> None:
    """Send a plain value from the method's process. Raises `HungUp`, `Invalid` for what is not plain."""
    parts: list[Any] = []
    text = json.dumps(_pack(value, parts)).encode()
    _send(channel, [text, *parts])


def read_answer(channel: socket.socket) -> Any:
    """What the method's process answers: numbers, text, arrays, lists, tuples and dicts. Raises `HungUp`, `Invalid`."""
    text, *parts = _receive(channel)
    try:
        return _unpack(json.loads(bytes(text)), parts)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        raise Invalid("its process sent an invalid answer") from None


def _send(channel: socket.socket, parts: Sequence[Any]) -> None:
    views = [memoryview(part).cast("B") for part in parts]
    head = _COUNT.pack(len(views)) + b"".join(_LENGTH.pack(len(view)) for view in views)
    try:
        channel.sendall(head)
        for view in views:
            channel.sendall(view)
    except OSError:
        raise HungUp from None


def _receive(channel: socket.socket) -> list[memoryview]:
    (count,) = _COUNT.unpack(_read(channel, _COUNT.size))
    if not 1 <= count <= _MOST_PARTS:
        raise Invalid("its process sent an invalid answer")
    lengths = _read(channel, count * _LENGTH.size)
    return [_read(channel, length) for (length,) in _LENGTH.iter_unpack(lengths)]


def _read(channel: socket.socket, length: int) -> memoryview:
    """Exactly `length` bytes, writable. Raises `HungUp`, MemoryError."""
    import numpy as np

    if length >= 1 << 62:
        raise Invalid("its process sent an invalid answer")
    # Memory that is not filled with zeros first.
    data = np.empty(length, np.uint8).data
    rest = data
    while rest:
        try:
            got = channel.recv_into(rest)
        except OSError:
            got = 0
        if not got:
            raise HungUp
        rest = rest[got:]
    return data


def _pack(value: Any, parts: list[Any]) -> Any:
    """`value` as JSON, arrays by their place in `parts`."""
    import numpy as np

    if type(value) in _PLAIN:
        return value
    if isinstance(value, np.generic):
        return {"scalar": _pack(np.asarray(value), parts)}
    if type(value) is np.ndarray and value.dtype.kind in "biufc" and len(parts) < _MOST_PARTS - 1:
        parts.append(np.ascontiguousarray(value).reshape(-1).view(np.uint8))
        return {"array": [len(parts) - 1, value.dtype.str, list(value.shape)]}
    if type(value) in (list, tuple):
        return {type(value).__name__: [_pack(one, parts) for one in value]}
    if type(value) is dict and all(type(key) is str for key in value):
        return {"dict": {key: _pack(one, parts) for key, one in value.items()}}
    raise Invalid(
        f"an output is made of arrays, numbers, text, lists, tuples and dicts: a {type(value).__name__} cannot be sent "
        "to the process that scores"
    )


def _unpack(value: Any, parts: Sequence[memoryview]) -> Any:
    import numpy as np

    if type(value) in _PLAIN:
        return value
    ((kind, content),) = value.items()
    if kind == "scalar":
        return _unpack(content, parts)[()]
    if kind == "array":
        place, dtype, shape = content
        if not _DTYPE.fullmatch(dtype) or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError
        plain = np.dtype(dtype)
        if math.prod(shape) * plain.itemsize != len(parts[place]):
            raise ValueError
        return np.frombuffer(parts[place], plain).reshape(shape)
    if kind == "dict":
        return {key: _unpack(one, parts) for key, one in content.items()}
    return {"list": list, "tuple": tuple}[kind](_unpack(one, parts) for one in content)
