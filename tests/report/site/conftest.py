"""The browser that tests of the site share, and a site to open in it."""

from browser import chromium, opened

__all__ = ["chromium", "opened"]
