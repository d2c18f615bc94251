"""Ids: UUIDv7, so that they sort by time and tell nothing else."""

import secrets

import uuid_utils


def new_id() -> str:
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """Whether the text has the shape of an id; every other text can be answered without asking the store."""
    return len(text) == 36 and text.count("-") == 4 and text.isascii()


def new_secret(length: int, *, alphabet: str) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
