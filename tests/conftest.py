"""Fixtures that any test may ask for."""

from tests.buckets import broad, bucket, each_place, verifying

__all__ = ["broad", "bucket", "each_place", "verifying"]
