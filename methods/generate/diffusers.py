from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from noisebench.methods.generate._diffusers import levels_of, times_at

_FILES = (
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "scheduler/scheduler_config.json",
)
"""What of a pipeline's folder is read, and nothing else."""
_PREDICTED = ("epsilon", "v_prediction", "sample")
_OF_TEXT = "UNet2DConditionModel"
"""The network of a pipeline that is told a text."""


@nb.method("diffusers", track="generate", requires=("diffusers",), cite="P. von Platen et al., diffusers, Hugging Face")
class Diffusers:
    """The network of a pipeline of the library `diffusers`, from its folder, as a model that any sampler may ask.

    path: a folder on this machine, as `pipeline.save_pretrained(path)` writes it; nothing is downloaded, and weights
    are read as safetensors alone. The network is a `UNet2DModel` of pictures on [-1, 1], with classes or without, that
    was trained on a schedule of `alphas_cumprod` to see noise, picture or v. A level of noise between two of the
    schedule is given as a time between theirs; one beyond its ends as the time there.

    embeddings: for a network that is told a text, `UNet2DConditionModel`, a .npy file of the embeddings of texts,
    (1 + classes, tokens, width): that of no text, then one a class. A network of latents is for `decoded`.
    """

    def __init__(self, *, path: str, embeddings: Annotated[str | None, nb.Later()] = None) -> None:
        self.path, self.embeddings = path, embeddings

    @staticmethod
    def weight_files(path: str, embeddings: str | None = None) -> dict[str, str]:
        """File → SHA-256, for the key of a cell."""
        hashes = {name: hashlib.sha256(_read(path, name)).hexdigest() for name in _FILES}
        return hashes if embeddings is None else hashes | {embeddings: hashlib.sha256(_file(embeddings)).hexdigest()}

    def setup(self, device: Any) -> None:
        """Read the folder. Raises `UsageError` for one that holds another kind of pipeline."""
        import diffusers

        library: Any = diffusers  # half of it has no types
        network, scheduler = (_config(self.path, name) for name in (_FILES[0], _FILES[2]))
        kind = str(network.get("_class_name"))
        if kind not in ("UNet2DModel", _OF_TEXT):
            raise nb.UsageError(
                f"diffusers: {self.path!r} holds a {kind[:60]!r}: only a UNet2DModel or a {_OF_TEXT} is taken"
            )
        if (kind == _OF_TEXT) != (self.embeddings is not None):
            condition, mend = (
                ("a text", "give embeddings=FILE.npy") if kind == _OF_TEXT else ("no text", "leave embeddings out")
            )
            raise nb.UsageError(f"diffusers: the {kind} of {self.path!r} is told {condition}: {mend}")
        # Known schedules alone: a folder chooses no code.
        self.predicted = scheduler.get("prediction_type", "epsilon")
        if self.predicted not in _PREDICTED:
            raise nb.UsageError(
                f"diffusers: {self.path!r} predicts {str(self.predicted)[:60]!r}, not one of {', '.join(_PREDICTED)}"
            )
        try:
            known = {name: scheduler[name] for name in _SCHEDULE if name in scheduler}
            self._levels = levels_of(library.DDPMScheduler(**known))
            self.net = getattr(library, kind).from_pretrained(
                str(Path(self.path).expanduser() / "unet"), local_files_only=True, use_safetensors=True
            )
        except Exception as error:  # whatever the library meets in a file that it cannot use
            raise nb.UsageError(
                f"diffusers: {self.path!r} cannot be built: {type(error).__name__}: {nb.one_line(error, 200)}"
            ) from None
        self.net = self.net.requires_grad_(False).eval().to(device)
        self.texts = None if self.embeddings is None else _texts(self.embeddings, self.net.config).to(device)

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """(N, C, H, W) → the same. Raises `Skip` for pictures of other channels, and where classes must be named.

        Raises `UsageError` for a class that the network does not know.
        """
        import torch

        config = self.net.config
        if x.shape[1] != config.in_channels or config.out_channels != config.in_channels:
            raise nb.Skip(f"this network is for pictures of {config.in_channels} channels, not {x.shape[1]}")
        texts = self._texts_of(labels, len(x))
        classes = self.net.class_embedding is not None
        if classes and (labels is None or bool((labels < 0).any())):
            raise nb.Skip("this network is told classes: give the dataset labels=true")
        if (
            isinstance(config.num_class_embeds, int)
            and labels is not None
            and int(labels.max()) >= config.num_class_embeds
        ):
            raise nb.UsageError(
                f"class {int(labels.max())} is beyond this network, which has classes={config.num_class_embeds}: take "
                "a dataset of fewer classes"
            )
        sigma = torch.as_tensor(sigma, dtype=torch.float64).reshape(-1, 1, 1, 1).expand(len(x), 1, 1, 1).to(x.device)
        times = torch.from_numpy(np.asarray(times_at(self._levels, sigma.flatten().cpu().numpy()))).to(x.device)
        scale = (1 + sigma**2).sqrt()
        given = (x.double() / scale).float()
        conditions = {"class_labels": labels} if classes else {}
        if texts is not None:
            conditions["encoder_hidden_states"] = texts
        seen = self.net(given, times.float(), **conditions).sample.double()
        if self.predicted == "sample":
            return seen.to(x.dtype)
        if self.predicted == "epsilon":
            return (x.double() - sigma * seen).to(x.dtype)
        return (x.double() / scale**2 - sigma / scale * seen).to(x.dtype)

    def _texts_of(self, labels: Any, count: int) -> Any:
        """The embedding of each picture's text, that of none where no class is asked for; None where none is told."""
        import torch

        if self.texts is None:
            return None
        if labels is None:
            return self.texts[:1].expand(count, -1, -1)
        places = torch.as_tensor(labels).to(self.texts.device).clamp(min=-1) + 1
        if int(places.max()) >= len(self.texts):
            raise nb.UsageError(
                f"class {int(places.max()) - 1} is beyond the {len(self.texts) - 1} texts of {self.embeddings!r}: take "
                "a dataset of fewer classes"
            )
        return self.texts[places]


_SCHEDULE = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "rescale_betas_zero_snr",
)


def _read(path: str, name: str) -> bytes:
    try:
        return (Path(path).expanduser() / name).read_bytes()
    except OSError as error:
        raise nb.UsageError(
            f"diffusers: {path!r} has no {name} ({error.strerror}): give the folder that pipeline.save_pretrained wrote"
        ) from None


def _file(path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise nb.UsageError(f"diffusers: {nb.one_line(path)} cannot be read ({error.strerror})") from None


def _texts(path: str, config: Any) -> Any:
    """The embeddings of a file as a tensor. Raises `UsageError` for others than the network is told."""
    import io

    import torch

    try:
        array = np.load(io.BytesIO(_file(path)), allow_pickle=False)
    except ValueError:
        array = np.zeros(0)
    width = config.cross_attention_dim
    if array.ndim != 3 or array.dtype.kind != "f" or array.shape[-1] != width or not np.isfinite(array).all():
        raise nb.UsageError(
            f"diffusers: {nb.one_line(path)} is {array.dtype} {array.shape}: embeddings (1 + classes, tokens, {width}) "
            "of finite numbers are due"
        )
    return torch.from_numpy(array.astype(np.float32))


def _config(path: str, name: str) -> dict[str, Any]:
    try:
        config = json.loads(_read(path, name))
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise nb.UsageError(f"diffusers: {name} of {path!r} is no JSON object")
    return config
