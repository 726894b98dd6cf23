"""The engine: one isolated child process a cell, typed outcomes, hard limits."""
