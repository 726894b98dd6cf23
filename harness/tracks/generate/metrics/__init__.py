"""Metrics of `generate`, one a file: of a batch, of noisy training pictures (`denoises`), of all samples (`set`)."""
