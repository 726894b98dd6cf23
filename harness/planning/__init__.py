"""Plans: a suite becomes cells with keys, trainings before the cells that need them."""
