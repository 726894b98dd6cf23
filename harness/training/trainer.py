"""The training loop, one step at a time, on batches of any track."""

from __future__ import annotations

import copy
import hashlib
import io
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch

from ..cost.macs import macs
from ..cost.measure import peak_memory
from ..planning.recipe import Recipe
from ..text.errors import UsageError, one_line
from ..track.calling import synchronise
from .bfloat16 import ProductsInFloat32
from .memory_format import NoticingChannelsLast, lay_channels_last, lay_out_as
from .network import Shape, build, made_parts
from .processor import emulates_bfloat16, read_cpuinfo

Batch = Mapping[str, "np.ndarray[Any, Any]"]
_AMP = {"bfloat16": torch.bfloat16, "float16": torch.float16}
MEASURED = 2
"""The step whose peak memory is measured: by then the optimiser holds its state."""


def step_in_one_pass(optimizer: torch.optim.Optimizer) -> None:
    """Fuse torch's Adam and AdamW: one pass over each parameter, not ten. It saves a tenth of a short step on a CPU.

    Fused steps round differently. In float32 many trainings are bit by bit equal across processors: no fusing there.
    """
    real = all(one.is_floating_point() for group in optimizer.param_groups for one in group["params"])
    if type(optimizer) in (torch.optim.Adam, torch.optim.AdamW) and real:
        for group in optimizer.param_groups:
            group["fused"] = True


class Trainer:
    """A network under training on one device. On a CPU, recipe, seed and thread count give the same bytes each time.

    Every draw comes from torch's generator, seeded by the number of the step: a training resumed from a snapshot
    equals one that was never stopped.
    """

    def __init__(self, recipe: Recipe, given: Shape, wanted: Shape, seed: int, device: str) -> None:
        self.recipe, self.device = recipe, device
        self._seed, self._on_cpu = seed, device.partition(":")[0] == "cpu"
        self.step = 0
        self.seconds = self.cpu_seconds = 0.0
        self.counted: dict[str, Any] = {"reasons": {}}
        self._observed = 0.0, 0.0
        self._best: dict[str, Any] = {}
        self._seed_draws("init")
        self._shapes = given, wanted
        self.parts = made_parts(recipe)
        self.net = build(recipe, self.parts, given, wanted).to(device)
        parameters = [p for p in self.net.parameters() if p.requires_grad]
        if not parameters:
            raise UsageError(f"arch {recipe.arch.display} has no parameters to train")
        self.optimizer = recipe.optimizer.entry.obj(parameters, **recipe.optimizer.kwargs)
        self._mixed_on_cpu = recipe.precision != "float32" and self._on_cpu
        if self._mixed_on_cpu:
            step_in_one_pass(self.optimizer)
        self._rates = [group["lr"] for group in self.optimizer.param_groups]
        self._scaler = torch.amp.GradScaler(device.partition(":")[0], enabled=recipe.precision == "float16")
        self._forward = torch.compile(self.net) if recipe.compiled else self.net
        self._emulates = (
            recipe.precision == "bfloat16"
            and self._on_cpu
            and not recipe.compiled
            and emulates_bfloat16(read_cpuinfo())
        )

    def _seed_draws(self, label: int | str) -> None:
        digest = hashlib.sha256(f"training|{self._seed}|{label}".encode()).digest()
        # `torch.manual_seed` stores each seed, with a stack trace, for devices that are not in use yet.
        seeded = torch.default_generator.manual_seed if self._on_cpu else torch.manual_seed
        seeded(int.from_bytes(digest[:8], "little") >> 1)

    def advance(self, batch: Batch) -> float:
        """Make one step and return the loss before it. NaN or Inf: training has diverged, the network is useless."""
        tensors = {name: torch.from_numpy(np.ascontiguousarray(value)).to(self.device) for name, value in batch.items()}
        items = len(next(iter(tensors.values())))
        tensors["progress"] = torch.full((items,), self.step / self.recipe.steps, device=self.device)
        if self.step == 0:
            # What grows during a training is counted as at its end.
            self._count(tensors | {"progress": torch.ones(items, device=self.device)})
        synchronise(self.device)
        start, start_cpu = time.perf_counter(), time.process_time()
        if self.step == MEASURED:
            losses: list[float] = []
            peak = peak_memory(lambda: losses.append(self._advance(tensors)), self.device, self.counted["reasons"])
            self.counted["peak_memory_bytes"] = peak
            loss = losses[0]
        else:
            loss = self._advance(tensors)
        synchronise(self.device)
        self.seconds += time.perf_counter() - start - self._observed[0]
        self.cpu_seconds += time.process_time() - start_cpu - self._observed[1]
        self.step += 1
        return loss

    def _advance(self, batch: dict[str, torch.Tensor]) -> float:
        recipe, step, steps = self.recipe, self.step, self.recipe.steps
        if not all(module.training for module in self.net.modules()):
            self.net.train()
        self._seed_draws(step)
        for part in self._parts_with("batch"):
            batch = part.batch(batch, step, steps)
        factor = recipe.schedule.entry.obj(step / steps, **recipe.schedule.kwargs)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self._observe(batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._loss(self._forward, batch)
        for part in self._parts_with("loss"):
            loss = part.loss(self.net, loss, step, steps)
        value = float(loss.detach())
        if not math.isfinite(value):
            return value
        with self._products():
            torch.autograd.backward(self._scaler.scale(loss))
        if self._scaler.is_enabled():
            self._scaler.unscale_(self.optimizer)
        for part in self._parts_with("before_step"):
            part.before_step(self.net, step, steps)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        for part in self._parts_with("after_step"):
            part.after_step(self.net, step, steps)
        return value

    def _observe(self, batch: dict[str, torch.Tensor]) -> None:
        """Run the parts' `observe` hooks in full precision; they change no draw, no buffer and no measured time."""
        start, start_cpu = time.perf_counter(), time.process_time()
        observers = self._parts_with("observe")
        if observers:
            rng_state = torch.get_rng_state()
            buffers = [(buffer, buffer.clone()) for buffer in self.net.buffers()]
            for part in observers:
                part.observe(self.net, batch, self._plain_loss, self.step, self.recipe.steps)
            torch.set_rng_state(rng_state)
            for buffer, value in buffers:
                buffer.copy_(value)
            synchronise(self.device)
        self._observed = time.perf_counter() - start, time.process_time() - start_cpu

    def _plain_loss(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return self._loss(self.net, batch, mixed=False)

    def _loss(self, net: Any, batch: dict[str, torch.Tensor], mixed: bool = True) -> torch.Tensor:
        kind, objective = _AMP.get(self.recipe.precision) if mixed else None, self.recipe.objective
        amp = torch.autocast(self.device.partition(":")[0], kind) if kind is not None else nullcontext()
        with amp, self._products():
            loss = objective.entry.obj(net, batch, **objective.kwargs)
        if not isinstance(loss, torch.Tensor) or loss.ndim:
            raise UsageError(f"objective {objective.display} gives no scalar tensor")
        return loss

    def _products(self) -> AbstractContextManager[Any]:
        return ProductsInFloat32() if self._emulates else nullcontext()  # type: ignore[no-untyped-call]

    def _parts_with(self, verb: str) -> list[Any]:
        return [part for part in self.parts if hasattr(part, verb)]

    def _count(self, batch: dict[str, torch.Tensor]) -> None:
        """Count what one step saves for its backward pass, and its MACs; the network's values stay as they are."""
        saved: dict[int, int] = {}
        parameters = {p.untyped_storage().data_ptr() for p in self.net.parameters()}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in parameters:
                saved[storage.data_ptr()] = storage.nbytes()
            return tensor

        buffers = {name: value.clone() for name, value in self.net.state_dict().items()}
        self.net.train()
        self._seed_draws("count")
        hook = self.net.register_forward_hook(self._refuse_other_shape)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), NoticingChannelsLast() as layout:
            loss = self._loss(self.net, batch)
        del loss
        hook.remove()
        if layout.requested and self._mixed_on_cpu:
            lay_channels_last(self.net)
        self.counted["saved_bytes"] = sum(saved.values())

        def full_step() -> None:
            with self._products():
                torch.autograd.backward(self._loss(self.net, batch))

        self.counted["macs"] = macs(full_step, self.counted["reasons"])
        self.counted["gradient_bytes"] = sum(
            p.grad.numel() * p.grad.element_size() for p in self.net.parameters() if p.grad is not None
        )
        self.optimizer.zero_grad(set_to_none=True)
        self.net.load_state_dict(buffers)

    def _refuse_other_shape(self, net: torch.nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        """Raise `UsageError` for an output of fewer items, or pictures of another size: a loss may broadcast them."""
        if not (inputs and isinstance(inputs[0], torch.Tensor) and isinstance(output, torch.Tensor)):
            return
        input_shape, output_shape = tuple(inputs[0].shape), tuple(output.shape)
        given, wanted = self._shapes
        expected = (*input_shape[:1], *output_shape[1:])
        if len(given) == len(wanted) == 3 and len(input_shape) == len(output_shape) == 4:
            sides = (side * to // of for side, of, to in zip(input_shape[2:], given[1:], wanted[1:], strict=True))
            expected = (input_shape[0], output_shape[1], *sides)
        if output_shape != expected:
            raise UsageError(
                f"arch {self.recipe.arch.display} returns {output_shape} for {input_shape}: return {expected}"
            )

    @contextmanager
    def validated(self) -> Iterator[None]:
        """Validate the network: in eval mode, with the weights that the parts choose for it."""
        self.net.eval()
        for part in self._parts_with("before_validation"):
            part.before_validation(self.net)
        try:
            yield
        finally:
            for part in reversed(self._parts_with("after_validation")):
                part.after_validation(self.net)

    def keep_best(self) -> None:
        """Keep the network as the best so far; `finish` goes back to it."""
        # Its parts may validate other weights than they train: keep both.
        others = [part.state() for part in self._parts_with("before_validation")]
        self._best = copy.deepcopy({"net": self.net.state_dict(), "parts": others})

    def finish(self) -> None:
        """Run the parts' `finish` hooks, then set eval mode."""
        if self._best:
            self.net.load_state_dict(self._best["net"])
            for part, state in zip(self._parts_with("before_validation"), self._best["parts"], strict=True):
                part.load(state)
        for part in self._parts_with("finish"):
            part.finish(self.net)
        self.net.eval()

    def cost(self) -> dict[str, Any]:
        """What training took so far: see `TrainingCost`."""
        state = [v for values in self.optimizer.state.values() for v in values.values() if isinstance(v, torch.Tensor)]
        done = max(self.step, 1)
        reasons = dict(self.counted["reasons"])
        if "peak_memory_bytes" not in self.counted:
            reasons["peak_memory_bytes"] = f"fewer than {MEASURED + 1} steps were done in one go"
        return {
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "items_per_second": self.recipe.batch * done / max(self.seconds, 1e-9),
            "peak_memory_bytes": self.counted.get("peak_memory_bytes"),
            "parameter_bytes": sum(p.numel() * p.element_size() for p in self.net.parameters()),
            "gradient_bytes": self.counted.get("gradient_bytes", 0),
            "optimizer_bytes": sum(value.numel() * value.element_size() for value in state),
            "saved_bytes": self.counted.get("saved_bytes", 0),
            "macs": self.counted.get("macs"),
            "reasons": reasons,
        }

    def figures(self) -> dict[str, float]:
        """The parts' figures by name. Raises `UsageError` for a name given twice, and a number that is not finite."""
        figures: dict[str, float] = {}
        for one, part in zip(self.recipe.parts, self.parts, strict=True):
            for name, value in part.figures().items() if hasattr(part, "figures") else ():
                if name in figures:
                    raise UsageError(f"part {one.display}: another part gives the figure {name!r} too")
                if not math.isfinite(value):
                    raise UsageError(f"part {one.display}: its figure {name!r} is {value}: give a finite number")
                figures[name] = float(value)
        return figures

    def figure_costs(self) -> dict[str, str]:
        """Which figures are a cost, and what each is called. Raises `UsageError` for a name that is no figure."""
        figures = self.figures()
        costs = {}
        for one, part in zip(self.recipe.parts, self.parts, strict=True):
            for name, words in getattr(part, "costs", {}).items():
                if name not in figures:
                    raise UsageError(
                        f"part {one.display}: its costs name {one_line(name)!r}, which is none of its figures"
                    )
                costs[name] = one_line(words)
        return costs

    def snapshot(self) -> bytes:
        """Everything that `resume` needs."""
        buffer = io.BytesIO()
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "counted": self.counted,
            "net": self.net.state_dict(),
            "best": self._best,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "parts": [part.state() if hasattr(part, "state") else {} for part in self.parts],
        }
        torch.save(state, buffer)
        return buffer.getvalue()

    def resume(self, snapshot: bytes) -> None:
        """Resume from a snapshot. Raises `UsageError` where it is damaged or of another recipe."""
        try:
            state = torch.load(io.BytesIO(snapshot), map_location=self.device, weights_only=True)
            lay_out_as(self.net, state["net"])
            self.net.load_state_dict(state["net"])
            self._best = state.get("best", {})
            self.optimizer.load_state_dict(state["optimizer"])
            self._scaler.load_state_dict(state["scaler"])
            for part, part_state in zip(self.parts, state["parts"], strict=True):
                if hasattr(part, "load"):
                    part.load(part_state)
            self.step, self.counted = state["step"], state["counted"]
            self.seconds, self.cpu_seconds = state["seconds"], state["cpu_seconds"]
        except Exception as error:  # torch's loader raises errors of any type
            raise UsageError(f"the snapshot of the training cannot be used: {one_line(error, 100)}") from None

    def weights(self) -> bytes:
        """The parameters and buffers as a safetensors file."""
        from safetensors.torch import save

        tensors = {name: value.detach().cpu().contiguous().clone() for name, value in self.net.state_dict().items()}
        return save(tensors)
