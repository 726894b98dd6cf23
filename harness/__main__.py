"""`python -m noisebench`."""

from .cli import entry

entry()
