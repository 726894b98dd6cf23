"""Components: registered by decorators, found by file name, bound to specs."""
