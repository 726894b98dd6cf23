"""The gate: rules, limits, and the verdict of a check."""
