"""Claims: what papers say, as data; the cells behind them, and the verdicts."""
