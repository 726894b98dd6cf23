"""Tuned methods: the best of several trained variants by validation score, in every track alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import MinLen
from pydantic import AfterValidator

from ..components.registry import Bound
from ..planning.recipe import recipe_of
from ..planning.tuning_grid import best, grid_over
from ..spec.parameter_types import MethodSpec
from ..spec.parsing import show
from ..text.errors import Skip
from .checkpoint import given_checkpoint, read_card


def _as_shown(value: Any) -> Any:
    """The value as its short form reads back (2.0 as 2), so that both forms of a spec have one key."""
    if isinstance(value, tuple):
        return tuple(_as_shown(one) for one in value)
    return int(value) if isinstance(value, float) and value.is_integer() and show(value) == str(int(value)) else value


Values = Annotated[tuple[Any, ...], MinLen(1), AfterValidator(_as_shown)]


class TunedMethod:
    """What a track registers as its method `tuned`; only the chosen variant is ever called.

    For example:

        >>> method = nb.bind("tuned(method=trained, vary=batch, over=(32, 64))", "method", "classify")
        >>> tuned = method.entry.obj(**method.kwargs)
        >>> isinstance(tuned, nb.TunedMethod), len(tuned.grid.variants)
        (True, 2)
        >>> tuned.chosen()  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        noisebench.text.errors.Skip: needs the checkpoint of at least one of its variants: ...
    """

    tuned: ClassVar[bool] = True

    def __init__(self, *, method: MethodSpec, vary: str, over: Values) -> None:
        self.grid = grid_over(method, vary, over)

    @staticmethod
    def flags(*, method: Bound, vary: str, over: tuple[Any, ...]) -> dict[str, Any]:
        """Trained on what any of its variants is trained on."""
        variants = grid_over(method, vary, over).variants
        return {"trained_on": tuple({recipe_of(one.kwargs).data.display: None for _, one in variants})}

    def chosen(self) -> Bound:
        """The variant with the best validation score, by the cards of this process's checkpoints.

        Raises `Skip` where none of them was given, or none has a score.
        """
        variants = [one for _, one in self.grid.variants]
        cards = [_training(given_checkpoint(recipe_of(one.kwargs).text)) for one in variants]
        higher = any(card.higher for card in cards if card is not None)
        place = best([None if card is None else card.score for card in cards], higher)
        if place is None:
            raise Skip("needs the checkpoint of at least one of its variants: `noisebench run` trains them first")
        return variants[place]


def _training(file: Path | None) -> Any:
    return None if file is None else read_card(file).training
