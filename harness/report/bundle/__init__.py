"""The bundle for a paper: tables, figures, references, suites and results."""
