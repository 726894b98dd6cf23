"""The page: one file with everything in it, for a browser without network."""
