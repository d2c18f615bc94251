"""Durable submits a second: key, quote, hold and row on the disk before the answer; beside bare rows and commits."""

import tempfile
import time
from pathlib import Path
from statistics import median

import apsw

from bench.bare import postgres_rows
from bench.postgres import a_database
from bench.processes import DRIVEN, darkroom, wrk

ROUNDS = 3
SECONDS = 4

SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"model":"kling-v2.1","prompt":"A drone flyover of a city at night","duration":5,"aspect_ratio":"16:9"}'
"""


def run() -> list[str]:
    pairs = [(_submits(), _single_commits()) for _ in range(ROUNDS)]
    ours, theirs = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    ratio = median(ours / theirs for ours, theirs in pairs)
    lines = [f"submits {'64 connections':22} {ours:9,.0f}/s   one commit a row {theirs:9,.0f}/s   ratio {ratio:.2f}"]
    with a_database(core=DRIVEN) as postgres:
        pairs = [(_submits(postgres.fresh()), postgres_rows(postgres.fresh())) for _ in range(ROUNDS)]
    ours, theirs = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    ratio = median(ours / theirs for ours, theirs in pairs)
    lines += [
        f"submits {'the same, PostgreSQL':22} {ours:9,.0f}/s   its rows, bare {theirs:9,.0f}/s   ratio {ratio:.2f}"
    ]
    return lines


def _submits(database: str = "") -> float:
    with tempfile.TemporaryDirectory() as data, darkroom(Path(data), database=database) as server:
        rate = wrk(f"{server.url}/api/v2/generate", seconds=SECONDS, key=server.key, script=SCRIPT, folder=Path(data))
        account = server.ask("GET", "/v1/account")
        # What was answered is what is held: each submit holds 26 credits.
        assert account["held"] == account["in_flight"] * 26, account
        assert account["in_flight"] >= rate * SECONDS * 0.9, account
        return rate


def _single_commits() -> float:
    """The same disk and settings, one small row a commit."""
    with tempfile.TemporaryDirectory() as folder:
        connection = apsw.Connection(f"{folder}/single.db")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT)")
        count, end = 0, time.monotonic() + 2
        while time.monotonic() < end:
            connection.execute("INSERT INTO item (text) VALUES ('a small row')")
            count += 1
        connection.close()
        return count / 2
