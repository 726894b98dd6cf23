"""Training: the loop, checkpoints with their cards, trained and tuned methods."""
