"""Methods of the track `adapt`, one a file, named as it."""
