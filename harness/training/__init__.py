"""Training: what a recipe is, the loop that knows no pixels, checkpoints with their cards, and what training costs."""
