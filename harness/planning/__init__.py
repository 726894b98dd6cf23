"""A suite into cells with their keys, trainings before what needs them."""
