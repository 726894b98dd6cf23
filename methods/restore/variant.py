from __future__ import annotations

import importlib.util
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.restore import _network_forms as forms
from noisebench.methods.restore._wrapping import apply, refuse_unwrappable, wrapped


@nb.method("variant", layout="hwc")
class Variant:
    """`of` with its network in the form in which it is deployed: what that changes in pictures, speed and size.

    precision: what the network computes in; `int8` rounds its kernels to 8 bits, with a scale for each output channel,
    and computes in float32. engine: `compile` is torch.compile; `torchscript` traces the network and `onnx` exports it
    to ONNX Runtime, once for each size of a picture. batch: so many pictures go into one call of the network, the
    others being shifted copies. device: `cuda` runs all of it there, the way there and back included. With none of
    these it is the method again. What is not possible here is skipped, with the reason. `noisebench certify` compares.
    """

    def __init__(
        self,
        *,
        of: nb.MethodSpec,
        precision: Literal["float32", "bfloat16", "float16", "int8"] = "float32",
        engine: Literal["eager", "compile", "torchscript", "onnx"] = "eager",
        batch: Annotated[int, Ge(1), Le(4096)] = 1,
        device: Literal["same", "cuda"] = "same",
    ) -> None:
        self.inner = wrapped("variant", of)
        self.precision, self.engine, self.batch, self.device = precision, engine, batch, device
        self.weight_bytes: int | None = None
        self.called = False
        self.changed = False

    @staticmethod
    def weight_files(*, of: Any, **_: Any) -> dict[str, str]:
        """Nothing of its own. Raises `UsageError` for a method that cannot be wrapped."""
        refuse_unwrappable("variant", of)
        return {}

    def setup(self, device: Any) -> None:
        """Set up the method, and put its network into its form. Raises `Skip` where that is not possible here."""
        if self.device == "cuda":
            import torch

            if not torch.cuda.is_available():
                raise nb.Skip("no CUDA device is here: run it where there is one", needs="a CUDA device")
            device = "cuda"
        if self.engine == "onnx":
            absent = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
            if absent:
                why = f"needs {' and '.join(absent)}: pip install 'noisebench[onnx]'"
                raise nb.Skip(why, needs=f"package {absent[0]}")
        self.inner.setup(device)
        self.changed = (self.precision, self.engine, self.batch) != ("float32", "eager", 1)
        if self.changed:
            networks = forms.networks_of(self.inner.instance) if self.inner.instance is not None else []
            if not networks:
                raise nb.Skip(
                    "no torch network is at hand after its setup: name a method that holds one as an attribute"
                )
            for network in networks:
                self._put(network)

    def _put(self, network: Any) -> None:
        """Put the form of a network in the place of its `forward`."""
        forward = network.forward
        if self.precision == "int8":
            self.weight_bytes = (self.weight_bytes or 0) + forms.round_weights(network)
        elif self.precision != "float32":
            forward = forms.cast(network, forward, self.precision)
        if self.batch > 1:
            forward = forms.in_batch(forward, self.batch)
        if self.engine == "compile":
            forward = forms.compiled(forward)
        elif self.engine != "eager":
            forward = forms.exported(network, forward, forms.onnx if self.engine == "onnx" else forms.torchscript)

        def noted(*given: Any, **named: Any) -> Any:
            self.called = True
            return forward(*given, **named)

        network.forward = noted

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same, or as large as is wanted. Raises `Skip` where the network is passed by."""
        restored = apply(self.inner, noisy, info)
        if self.changed and not self.called:
            raise nb.Skip("its network is not called as a whole, so that its form changes nothing")
        return restored
