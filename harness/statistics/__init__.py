"""Statistics on arrays: paired tests, rankings, Friedman's test."""
