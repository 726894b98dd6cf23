from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import noisebench as nb
from noisebench.methods.generate._inner_sampler import sampler_within

_FILES = ("vae/config.json", "vae/diffusion_pytorch_model.safetensors")


@nb.method("decoded", track="generate", requires=("diffusers",), cite="R. Rombach et al., High-resolution image "
           "synthesis with latent diffusion models, CVPR 2022")  # fmt: skip
class Decoded:
    """A sampler of latents, whose samples the decoder of a pipeline of `diffusers` makes pictures of.

    sampler: any, of a model of latents, such as `ddim(model=diffusers(path=…, embeddings=…))`. path: the folder of the
    pipeline, of which the `AutoencoderKL` in `vae` is read. The first of the numbers that are given for a picture are
    its latents, as many as a picture of that size has.
    """

    def __init__(self, *, sampler: nb.MethodSpec, path: str) -> None:
        self.inner, self.path = sampler_within(sampler), path

    @staticmethod
    def weight_files(path: str, **_: Any) -> dict[str, str]:
        """File → SHA-256, for the key of a cell."""
        return {name: hashlib.sha256(_read(path, name)).hexdigest() for name in _FILES}

    def setup(self, device: Any) -> None:
        """Set up the sampler and read the decoder. Raises `Skip` where weights are missing, `UsageError` for others."""
        import diffusers

        library: Any = diffusers  # half of it has no types
        for name in _FILES:
            _read(self.path, name)
        self.inner.setup(device)
        try:
            self.vae = library.AutoencoderKL.from_pretrained(
                str(Path(self.path).expanduser() / "vae"), local_files_only=True, use_safetensors=True
            )
        except Exception as error:  # whatever the library meets in a file that it cannot use
            raise nb.UsageError(
                f"decoded: {self.path!r} cannot be built: {type(error).__name__}: {nb.one_line(error, 200)}"
            ) from None
        self.vae = self.vae.requires_grad_(False).eval().to(device)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → pictures of that shape. Raises `Skip` for a shape that the decoder does not make."""
        import torch

        config = self.vae.config
        count, channels, height, width = latents.shape
        factor = 2 ** (len(config.block_out_channels) - 1)
        shape = (config.latent_channels, height // factor, width // factor)
        if channels != config.out_channels or height % factor or width % factor:
            raise nb.Skip(
                f"this decoder makes pictures of {config.out_channels} channels and sides in steps of {factor}, not "
                f"{channels} x {height} x {width}"
            )
        if math.prod(shape) > math.prod(latents.shape[1:]):
            raise nb.Skip(f"a picture has fewer numbers than its latents {shape}")
        noise = latents.reshape(count, -1)[:, : math.prod(shape)].reshape(count, *shape)
        samples = self.inner.call(noise, info).float()
        with torch.no_grad():
            return self.vae.decode(samples / config.scaling_factor + (config.shift_factor or 0.0)).sample


def _read(path: str, name: str) -> bytes:
    try:
        return (Path(path).expanduser() / name).read_bytes()
    except OSError as error:
        raise nb.UsageError(
            f"decoded: {path!r} has no {name} ({error.strerror}): give the folder that pipeline.save_pretrained wrote"
        ) from None
