"""Adapters of restoration methods, written as a third party would: with the public API only."""
