from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.text._training_text import refuse_other_alphabet
from noisebench.tracks.text import codes_of

Steps = Annotated[int, Ge(1), Le(10_000_000)]


@nb.method("trained", track="text")
class TrainedLanguageModel(nb.TrainedMethod):
    """A language model that is trained here, by a recipe: done once, stored by its key, and used by all that name it.

    arch, objective, optimizer, schedule, parts, sampler, stop: what it is made of (`noisebench list archs`, …); of text
    is `transformer`. data: any dataset of the track; `validation` of its passages are kept apart by key. regime: what
    is trained on, `crop` characters of `batch` passages a step (0 takes passages whole), for `steps` steps, validated
    `checks` times. seed: none is that of the cell. precision, compiled: automatic mixed precision, torch.compile.
    draws: of the regime, `fresh` each time a passage comes, or `fixed`. keep: the network of the `last` step, or that
    of the `best` validation.

    A longer passage is read in windows of what the network takes, each of which goes on by half of one.
    """

    def __init__(
        self,
        *,
        arch: Annotated[Any, nb.Nested("arch")] = "transformer",
        objective: Annotated[Any, nb.Nested("objective")] = "supervised(loss=cross_entropy)",
        optimizer: Annotated[Any, nb.Nested("optimizer")] = "adamw(lr=0.003)",
        schedule: Annotated[Any, nb.Nested("schedule")] = "cosine",
        data: nb.DatasetSpec = "word_chain(split=train, n=400, length=512)",
        regime: Annotated[Any, nb.Nested("regime")] = "none",
        sampler: Annotated[Any, nb.Nested("sampler")] = "shuffled",
        parts: Annotated[Any, nb.Nested("part", many=True)] = (),
        stop: Annotated[Any, nb.Nested("stop")] = "steps",
        batch: Annotated[int, Ge(1), Le(65_536)] = 16,
        crop: Annotated[int, Ge(0), Le(65_536)] = 64,
        steps: Steps = 500,
        validation: Annotated[int, Ge(1), Le(100_000)] = 20,
        checks: Steps = 2,
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        compiled: bool = False,
        seed: Annotated[int, Ge(0)] | None = None,
        draws: Literal["fresh", "fixed"] = "fresh",
        keep: Literal["last", "best"] = "last",
    ) -> None:
        super().__init__({name: value for name, value in locals().items() if name not in ("self", "__class__")})
        self.alphabet = ""

    def predict(self, text: str, info: Any) -> Any:
        """Logits (N, K) after each of N characters. Raises `Skip` for a passage of other characters."""
        import torch

        if not self.alphabet:
            first: Any = nb.open_dataset(self.recipe.data).load(0)
            self.alphabet = first.alphabet
        refuse_other_alphabet(self.recipe.data.display, self.alphabet, info)
        codes = codes_of(text, self.alphabet)
        size = min(self.given[0], len(codes))
        ends = [*range(size, len(codes), max(1, size // 2)), len(codes)]
        windows = np.stack([codes[end - size : end] for end in ends])
        with torch.no_grad():
            logits = self.net(torch.from_numpy(windows).to(next(self.net.parameters()).device))
        rows = logits.transpose(1, 2).cpu().float().numpy()
        begun = [0, *ends[:-1]]
        return np.concatenate([rows[i, size - (end - begun[i]) :] for i, end in enumerate(ends)])
