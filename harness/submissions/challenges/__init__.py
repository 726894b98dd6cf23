"""Challenges: inputs for all, truths for the organiser alone, and submissions that are judged without a server."""
