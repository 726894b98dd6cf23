"""The table that papers print: methods by levels and datasets, as LaTeX, Markdown, CSV and HTML."""
