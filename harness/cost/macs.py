"""Multiply-accumulates of a call: every torch operation that it runs is counted, known to hold none, or named."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from ..text.errors import one_line
from ..text.extras import is_installed

_NAMES = """
_adaptive_avg_pool2d _adaptive_avg_pool3d _conj _cudnn_init_dropout_state _efficientzerotensor _index_put_impl
_linalg_check_errors _local_scalar_dense _log_softmax _native_batch_norm_legit _native_batch_norm_legit_no_training
_pack_padded_sequence _pad_packed_sequence _pin_memory _prelu_kernel _reshape_alias _safe_softmax _softmax
_thnn_fused_gru_cell _thnn_fused_lstm_cell _to_copy _unique2 _unsafe_index _unsafe_index_put _unsafe_view
_upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d _upsample_nearest_exact2d
_upsample_nearest_exact3d adaptive_max_pool2d adaptive_max_pool3d all amax amin aminmax any arange argmax argmin argsort
as_strided_scatter avg_pool2d avg_pool3d batch_norm_stats bernoulli bincount bucketize cat channel_shuffle col2im
complex constant_pad_nd copy count_nonzero cudnn_batch_norm cummax cummin cumprod cumsum diagonal_scatter embedding
empty empty_like empty_permuted empty_strided equal exponential eye fill flip fractional_max_pool2d full full_like
gather glu grid_sampler_2d grid_sampler_3d hardsigmoid hardswish hardtanh histc huber_loss im2col index index_add
index_copy index_fill index_put index_reduce index_select is_pinned is_same_size isin kthvalue leaky_relu
linalg_vector_norm linspace log_sigmoid_forward logcumsumexp logspace logsumexp masked_scatter masked_select max
max_pool2d_with_indices max_pool3d_with_indices mean median min miopen_batch_norm mode mse_loss multinomial nanmedian
nansum native_batch_norm native_dropout native_group_norm native_layer_norm new_empty new_empty_strided new_full
new_ones new_zeros nll_loss nll_loss2d nll_loss_forward nonzero nonzero_static norm normal ones ones_like permute
pixel_shuffle pixel_unshuffle poisson polar prod put rand rand_like randint randint_like randn randn_like random
randperm record_stream reflection_pad1d reflection_pad2d reflection_pad3d renorm repeat repeat_interleave
replication_pad1d replication_pad2d replication_pad3d resize roll rot90 rrelu_with_noise scalar_tensor scatter
scatter_add scatter_reduce searchsorted select select_scatter set slice_scatter smooth_l1_loss sort
split_with_sizes_copy squeeze stack std std_mean sum take threshold topk trace tril tril_indices triu triu_indices
unfold uniform unique_consecutive unique_dim unsafe_split unsafe_split_with_sizes unsqueeze upsample_bicubic2d
upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d var
var_mean zero zeros zeros_like
"""
_FREE = frozenset(_NAMES.split())
"""Operations of torch without products to be summed, as MACs are counted: copies, orders, reductions, norms, pooling,
resampling.

Element by element and views are such too, and torch itself marks those.
"""
_NONE_SEEN = "torch's counter sees no operation (numpy, OpenCV, FFT and the like are not counted)"
_FREE_FAMILIES = re.compile(r"_foreach_\w+|_fused_(adam|adamw|sgd|adagrad)|_amp_\w+|_(de)?quantize\w+|(de)?quantize\w*")


def macs(call: Callable[[], Any], reasons: dict[str, str]) -> int | None:
    """Multiply-accumulates of convolutions, linear layers, matrix products, attention and recurrent layers.

    None, with the reason, where there are none, and where the number of an operation is not known, such as a
    transform, a decomposition or an operation of another package: a sum without it would be too low. What a call does
    outside of torch, or on threads of its own, is not seen.
    """
    if not is_installed("torch"):
        reasons["macs"] = _NONE_SEEN
        return None
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    total, unknown = 0, dict[str, None]()

    class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            # To skip the compiler torch imports it, which takes seconds: only where a method has used it.
            return "torch._dynamo" in sys.modules

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal total
            kwargs = kwargs or {}
            packet = func._overloadpacket
            namespace, name = str(packet).partition(".")[::2]
            known = packet in flop_registry or str(packet) in _FORMULAS
            if not known and namespace == "aten":
                with self:  # count the operations that it is composed of, if any
                    result = func.decompose(*args, **kwargs)
                if result is not NotImplemented:
                    return result
            out = func(*args, **kwargs)
            if str(packet) in _FORMULAS:
                total += _FORMULAS[str(packet)](args, out)
            elif known:
                total += flop_registry[packet](*args, **kwargs, out_val=out) // 2
            elif not _is_free(func, namespace, name):
                unknown[f"{namespace}::{name}"] = None
            return out

    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        with Counter(), sdpa_kernel(SDPBackend.MATH):  # type: ignore[no-untyped-call]
            call()
    except Exception as error:
        reasons["macs"] = f"torch's counter failed: {one_line(error, 100)}"
        return None
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    if unknown:
        reasons["macs"] = f"the products of {one_line(', '.join(unknown), 100)} are not known, so the sum is too low"
        return None
    if total == 0:
        reasons["macs"] = _NONE_SEEN
        return None
    return total


def _is_free(func: Any, namespace: str, name: str) -> bool:
    """Whether an operation holds no products to be summed; its backward none where it holds none."""
    import torch

    if namespace in ("prim", "profiler"):
        return True
    if namespace != "aten" and not (namespace.startswith("quantized") and _FREE_FAMILIES.fullmatch(name)):
        return False
    if func.is_view or torch.Tag.pointwise in func.tags:
        return True
    plain = re.sub(r"(_grad_input|_backward|_backward_data)$", "", name.rstrip("_"))
    return plain in _FREE or _FREE_FAMILIES.fullmatch(plain) is not None


def _recurrent(args: Any, out: Any) -> int:
    """Of a layer: each step multiplies its input and its state by their matrices."""
    steps = args[0].numel() // args[0].shape[-1]
    return int(steps * (args[1].numel() + args[2].numel()))


def _deformable(args: Any, out: Any) -> int:
    """As of a convolution of the same window: (input, weight, …); resampling is not counted, as elsewhere."""
    return int(out.numel() * args[1][0].numel())


def _quantised_linear(args: Any, out: Any) -> int:
    """(input, packed weight, …): in × out a row."""
    return int(args[0].numel() * out.shape[-1])


_FORMULAS: dict[str, Callable[[Any, Any], int]] = {
    "aten.dot": lambda args, out: int(args[0].numel()),
    "aten.vdot": lambda args, out: int(args[0].numel()),
    "aten.mv": lambda args, out: int(args[0].numel()),
    "aten.addmv": lambda args, out: int(args[1].numel()),
    "aten.mkldnn_rnn_layer": _recurrent,
    "torchvision.deform_conv2d": _deformable,
    **{
        f"quantized.{name}": _quantised_linear
        for name in ("linear", "linear_relu", "linear_dynamic", "linear_relu_dynamic")
    },
}
