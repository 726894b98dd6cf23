"""Track `generate`: a batch of latents in, pictures out, compared with a reference set. Below: what components need."""

from .denoiser import Denoiser
from .items import LatentBatch, Reference, TrainingPicture
from .law import Law
from .sampler import Sampler

__all__ = ["Denoiser", "LatentBatch", "Law", "Reference", "Sampler", "TrainingPicture"]
