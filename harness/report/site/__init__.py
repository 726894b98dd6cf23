"""The site: boards, systems, methods, datasets and entries as static pages that link to each other."""
