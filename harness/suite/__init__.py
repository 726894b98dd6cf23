"""Suite, study and rules: the files that a person writes."""
