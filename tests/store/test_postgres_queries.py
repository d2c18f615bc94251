"""Every question that PostgreSQL is asked, put to a real one: it knows the tables, the columns and the arguments."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from darkroom.store import postgres as package
from darkroom.store.postgres.migrate import SCHEMA
from darkroom.store.postgres.queries import Queries, Query
from tests.postgres import postgres
from tests.store.conftest import play


def asked() -> Iterator[tuple[str, Query]]:
    """Those of the loaded queries that the code of the store names."""
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        source = Path(str(module.__file__)).read_text("utf-8")
        for name, loaded in vars(module).items():
            if isinstance(loaded, Queries):
                for used in sorted(set(re.findall(rf"\b{name}\.(\w+)", source))):
                    yield f"{found.name}: {name}.{used}", getattr(loaded, used)


def test_every_question_is_understood() -> None:
    async def act() -> None:
        connection = await asyncpg.connect(await postgres().fresh(), server_settings={"search_path": SCHEMA})
        refused = {}
        questions = dict(asked())
        for name, query in questions.items():
            try:
                prepared = await connection.prepare(query.text)
                taken = len(prepared.get_parameters())
                if taken != len(query.names):
                    refused[name] = f"takes {taken} arguments, is given {query.names}"
            except asyncpg.PostgresError as error:
                refused[name] = str(error)
        await connection.close()
        assert refused == {}
        assert len(questions) > 60

    play(act)
