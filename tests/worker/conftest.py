"""The worker's tests run on both databases."""

import pytest


@pytest.fixture(autouse=True)
def on_both_databases(each_database: str) -> None:
    """Whoever has a reason to run once says `on_sqlite`, and why."""
