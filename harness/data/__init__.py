"""Files of any track: where they lie, how they are fetched, weights and checkpoints."""
