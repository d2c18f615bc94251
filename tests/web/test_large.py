"""A large asset passes through a process that stays small; `python -m bench.large` is the same with 2 GiB."""

from bench import large
from tests.databases import on_sqlite

SIZE_BYTES = 256 * large.MEBIBYTE
LIMIT_BYTES = 160 * large.MEBIBYTE
"""A server that holds the bytes has them once at least, beside its own seventy mebibytes."""


@on_sqlite  # another process, with a database of its own, about bytes that go through none
def test_a_process_smaller_than_what_it_carries() -> None:
    lines = list(large.run(SIZE_BYTES, LIMIT_BYTES))
    assert len(lines) == 3
