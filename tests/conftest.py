"""Fixtures that any test may ask for, and one that every test has."""

from collections.abc import Iterator

import pytest
import structlog

from tests.buckets import broad, bucket, each_place, verifying
from tests.databases import each_database

__all__ = ["broad", "bucket", "each_database", "each_place", "verifying"]


@pytest.fixture(autouse=True)
def logs_of_its_own() -> Iterator[None]:
    """A command that runs in this process chooses where logs go and from which level on: for its own test only."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
