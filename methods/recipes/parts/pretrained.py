from __future__ import annotations

from typing import Any

import noisebench as nb
import torch
from noisebench.recipes.archs._probes import Probe, last_linear


@nb.part("pretrained")
class Pretrained:
    """Pre-trained: a training begins with the weights of another one, on other items or with other labels.

    of: `trained(…)` of the same network, or one `tuned`, which is trained first, at the same seed where it names none.
    Of a classifier all is taken but the last linear layer, which begins anew: of `linear_probe(of=…)` and
    `mlp_probe(of=…)` the network within is meant, which stays so; any other network goes on learning, which is full
    fine-tuning. Between pictures all is taken. The pre-trained one is needed for the training alone.
    """

    def __init__(self, *, of: nb.MethodSpec) -> None:
        self.of = of

    def prepare(self, net: Any) -> Any:
        """Know the network, which stays as it is."""
        self.net = net
        return net

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """Take the weights before the first step; the batch stays as it is."""
        if step == 0:
            with torch.random.fork_rng(devices=[]):
                self._begin(batch)
        return batch

    def _begin(self, batch: Any) -> None:
        runner: Any = nb.get_track(self.of.track).open(self.of)
        runner.setup(str(batch["given"].device))
        source = getattr(runner.instance, "net", None)
        if source is None:
            raise nb.UsageError(f"part pretrained: {self.of.display} has no network: give trained(…)")
        probe = next((module for module in self.net.modules() if isinstance(module, Probe)), None)
        target = self.net if probe is None else probe.body
        source_weights, target_weights = source.state_dict(), target.state_dict()
        given = batch["given"].shape[1:]
        anew = last_linear(target, given) if probe is None and batch["wanted"].ndim == 1 else None
        taken = {
            name: value for name, value in target_weights.items() if anew is None or name.rpartition(".")[0] != anew
        }
        for name, value in taken.items():
            if name not in source_weights or source_weights[name].shape != value.shape:
                raise nb.UsageError(
                    f"part pretrained: {name} {tuple(value.shape)} is not in {self.of.display}: give both one network"
                )
        target.load_state_dict({**target_weights, **{name: source_weights[name] for name in taken}})
