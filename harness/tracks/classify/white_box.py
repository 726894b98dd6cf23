"""The white-box attacks of regimes: made in the scorer, which asks the method for gradients alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound, bind
from ...text.errors import Invalid
from ...track.posed_case import Case
from .attack_search import Search, Steps
from .company import TOGETHER
from .ensemble_search import EnsembleSearch
from .labelled_picture import LabelledPicture, values_sha256

Ask = Callable[[Sequence[Case]], Any]
"""Cases → what `Classifier.differentiate` says of their pictures."""
ADVERSARIAL, ENSEMBLE = "adversarial", "auto_attack"
_NONE = "none"


def apart(regime: Bound) -> tuple[Bound, Bound | None]:
    """A regime without the attack that stands last in it, and that attack, None where there is none."""
    last = regime.parts[-1]
    if last.entry.name not in (ADVERSARIAL, ENSEMBLE):
        return regime, None
    before = regime.display.removesuffix(last.display).removesuffix(" + ")
    return bind(before or _NONE, "regime", regime.track), last


def attacked_together(regime: Bound) -> int:
    """How many pictures are attacked together, at most: 1 where a regime attacks none."""
    return TOGETHER if apart(regime)[1] is not None else 1


def attacked_cases(regime: Bound, posed: Sequence[tuple[LabelledPicture, Case]], seed: int, ask: Ask) -> list[Case]:
    """The cases with the pictures that the attack of a regime leads to; as they are without one, or with no true class.

    `input_sha256` stays that of the picture before the attack: so the inputs of all methods are the same.
    """
    _, attack = apart(regime)
    cases = [case for _, case in posed]
    if attack is None:
        return cases
    searches: dict[int, Steps] = {}
    for place, (item, case) in enumerate(posed):
        if item.label >= 0:
            rng = keyed_generator(noise_key(regime, seed, values_sha256(item)))
            searches[place] = _search(attack, case, item.label, rng)
    looked_at = {place: next(search) for place, search in searches.items()}
    while looked_at:
        answers = ask(list(looked_at.values()))
        if not isinstance(answers, list) or len(answers) != len(looked_at):
            raise Invalid("its process sent what are no gradients")
        for place, answer in zip(list(looked_at), answers, strict=True):
            try:
                looked_at[place] = searches[place].send(answer)
            except StopIteration as end:
                del looked_at[place]
                cases[place] = replace(cases[place], given=end.value)
    return cases


def _search(attack: Bound, case: Case, label: int, rng: np.random.Generator) -> Steps:
    """The search of an attack for one picture."""
    given = dict(attack.kwargs)
    if attack.entry.name == ENSEMBLE:
        return EnsembleSearch(case, label, **given).ensemble(rng)
    kind, restarts = given.pop("kind"), given.pop("restarts")
    search = Search(case, label, **given)
    return search.fgsm() if kind == "fgsm" else search.pgd(rng, restarts)
