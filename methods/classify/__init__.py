"""Methods of `classify`, one a file."""
