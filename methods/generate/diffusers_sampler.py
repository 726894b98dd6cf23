from __future__ import annotations

import inspect
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.generate._diffusers import level_at, levels_of
from noisebench.tracks.generate import Denoiser

_CLASSES = {
    "ddpm": "DDPMScheduler",
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
    "lms": "LMSDiscreteScheduler",
    "pndm": "PNDMScheduler",
    "dpm_solver_2m": "DPMSolverMultistepScheduler",
    "unipc": "UniPCMultistepScheduler",
}


def _begun(scheduler: str, steps: int) -> None:
    if scheduler == "pndm" and steps < 4:
        raise nb.UsageError(f"diffusers_sampler: scheduler=pndm takes four steps or more: give steps=4, not {steps}")


@nb.method(
    "diffusers_sampler", track="generate", requires=("diffusers",), cite="P. von Platen et al., diffusers, Hugging Face"
)
@nb.checked(_begun)
class DiffusersSampler:
    """A sampler of the library `diffusers`, for any model: what the field's own tool makes of the same latents.

    model: any model of this track. scheduler: which of the library's, with its own defaults, but for pictures that are
    not clipped and times that begin with the noisiest (`trailing`). steps: of `set_timesteps`, 4 and more for `pndm`.
    betas: the schedule of DDPM (`linear`), Stable Diffusion (`scaled_linear`) or Nichol & Dhariwal
    (`squaredcos_cap_v2`), 1,000 times.
    """

    def __init__(
        self,
        *,
        model: nb.MethodSpec,
        scheduler: Literal["ddpm", "ddim", "euler", "heun", "lms", "pndm", "dpm_solver_2m", "unipc"] = "ddim",
        steps: Annotated[int, Ge(2), Le(1000)] = 20,
        betas: Literal["linear", "scaled_linear", "squaredcos_cap_v2"] = "linear",
    ) -> None:
        self.model = Denoiser(model)
        self.scheduler, self.steps, self.betas = scheduler, steps, betas

    def setup(self, device: Any) -> None:
        """Set up the model. Raises `Skip` where its weights are missing."""
        self.model.setup(device)

    def _new_scheduler(self) -> Any:
        """A scheduler of its own, for it counts its steps."""
        import diffusers

        kind = getattr(diffusers, _CLASSES[self.scheduler])
        given = {"beta_schedule": self.betas, "timestep_spacing": "trailing", "clip_sample": False}
        scheduler = kind(**{name: value for name, value in given.items() if name in inspect.signature(kind).parameters})
        scheduler.set_timesteps(self.steps)
        return scheduler

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → samples."""
        import torch

        labels = None if info.labels is None else torch.from_numpy(info.labels).to(latents.device)
        scheduler = self._new_scheduler()
        levels = levels_of(scheduler)
        generator = torch.Generator().manual_seed(int(info.rng.integers(2**63)))
        random = {"generator": generator} if "generator" in inspect.signature(scheduler.step).parameters else {}
        x = latents.double() * float(scheduler.init_noise_sigma)
        with torch.no_grad():
            for time in info.each(scheduler.timesteps):
                sigma = level_at(levels, float(time))
                # The library's pictures and noise have the variance 1 together, ours that of the picture and more.
                noisy = scheduler.scale_model_input(x, time) * (1 + sigma**2) ** 0.5
                noise = (noisy - self.model(noisy, sigma, labels)) / sigma
                x = scheduler.step(noise, time, x, **random).prev_sample
        return x.float()
