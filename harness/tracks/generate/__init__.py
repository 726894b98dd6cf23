"""Track `generate`: a batch of latents in, pictures out, compared with a reference set. Below: what components need."""

from .denoiser import Denoiser
from .gaussian import Gaussian, GaussianLaws
from .items import LatentBatch, Reference, TrainingPicture
from .law import Law
from .sampler import Sampler

__all__ = ["Denoiser", "Gaussian", "GaussianLaws", "LatentBatch", "Law", "Reference", "Sampler", "TrainingPicture"]
