"""The browser that tests of the page share."""

from browser import chromium, opened

__all__ = ["chromium", "opened"]
