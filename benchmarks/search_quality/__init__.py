"""`search-quality`: how soon, and how far, searches over real learning curves get, ours beside its peers.

The searches run on a virtual clock (`robustune.replay`), over the tables of `benchmarks/tables`. Shards of finished
ones are read from `results/search-quality`, and made where they are missing; `python -m benchmarks.search_quality`
makes them side by side.
"""

from benchmarks.rows import Row


def rows(device: str) -> list[Row]:
    """Medians over 30 seeds, for each table and number of workers: time to 95 % of the best, and final hypervolume."""
    from benchmarks.search_quality.comparing import made, rows_of  # late: who asks for a name needs no Optuna

    return rows_of(made(lambda line: None))
