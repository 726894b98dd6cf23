"""The store: cells on disk by content key, and their portable export."""
