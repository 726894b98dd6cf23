"""What a regime makes of a passage: what is typed for each of its characters, and which of these a method has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...components.calls import called, kind_of
from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound
from ...text.errors import UsageError, one_line
from ...track.info import Info
from ...track.posed_case import Case
from .passage import Ints, Passage, text_sha256


@dataclass(frozen=True, repr=False)
class TypedCase(Case):
    """A case with the row of the output that predicts each character of the passage but the first, -1 for none.

    That is the row of the last character typed before it. It stays with the scorer: it tells which are mistakes.
    """

    rows: Ints | None = None

    def __reduce__(self) -> tuple[type[Case], tuple[Any, ...]]:
        return Case, (self.given, self.info, self.input_sha256, self.wanted, self.note)


def pose_passage(regime: Bound, item: Passage, seed: int, draw: int = 0) -> TypedCase:
    """All characters but the last as they are typed, keyed by passage, regime, seed and draw.

    Raises `UsageError` where nothing is left of it.
    """
    key = noise_key(regime, seed, text_sha256(item), draw)
    strokes, disclosed = _typed(regime, item.text[:-1], item.alphabet, keyed_generator(key))
    given = "".join(strokes)
    if not given:
        raise UsageError(f"regime {regime.display} leaves no character of {one_line(item.id)!r}: give a lower rate")
    rows = np.cumsum([len(stroke) for stroke in strokes]) - 1
    wanted = len(given), len(item.alphabet)
    info = Info({**disclosed, "alphabet": item.alphabet, "shape": wanted}, key)
    sha = hashlib.sha256(f"{item.alphabet}\n{given}".encode()).hexdigest()
    return TypedCase(given, info, sha, wanted, rows=rows.astype(np.int64))


def _typed(
    regime: Bound, text: str, alphabet: str, rng: np.random.Generator
) -> tuple[Sequence[str], Mapping[str, Any]]:
    """What the parts of a regime type for each character, one after the other, and what they disclose."""
    strokes: Sequence[str] = list(text)
    disclosed: dict[str, Any] = {}
    for part in regime.parts:
        who = f"regime {part.entry.name}"
        returned = called(who, part, strokes, rng, alphabet)
        if not isinstance(returned, tuple) or len(returned) != 2 or not isinstance(returned[1], Mapping):
            raise UsageError(f"{who}: returned {kind_of(returned)}: return strokes, and a dict of what it discloses")
        strokes, new = returned
        if len(strokes) != len(text) or not all(isinstance(one, str) and set(one) <= set(alphabet) for one in strokes):
            raise UsageError(f"{who}: return a text of characters of the alphabet for each of {len(text)} strokes")
        if missing := [name for name in part.entry.meta["discloses"] if name not in new]:
            raise UsageError(f"{who}: declares that it discloses {', '.join(missing)}, and returned none: return it")
        disclosed |= {name: None if name in disclosed else value for name, value in new.items()}
    return strokes, disclosed
