"""What the web's tests have in common: both dialects' way to ask for one thing, and a look at the books."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from darkroom.testing import an_output
from tests.harness import Answer, Running

PROMPT = "A blooming flower"


@dataclass(frozen=True)
class Phrases:
    """One dialect's words for what every dialect can ask."""

    name: str
    submit: str
    fetch: str

    def body(self, model: Any = "kling-v2.1", **inputs: Any) -> Any:
        return {"model": model, "inputs": inputs} if self.name == "native" else {"model": model, **inputs}

    async def ask_for(self, server: Running, model: Any = "kling-v2.1", **inputs: Any) -> Answer:
        return await server.ask("POST", self.submit, self.body(model, **inputs), dialect=self.name)

    def code(self, answer: Answer) -> Any:
        return answer.body["error"]["code"] if self.name == "native" else answer.body["error"]

    def message(self, answer: Answer) -> str:
        message = answer.body["error"]["message"] if self.name == "native" else answer.body["message"]
        assert isinstance(message, str)
        return message

    def problems(self, answer: Answer) -> Mapping[str, str]:
        """What is wrong, by field."""
        if self.name == "native":
            return {problem["field"]: problem["message"] for problem in answer.body["error"]["problems"]}
        details = answer.body["details"]
        assert isinstance(details, dict)
        return details


NATIVE = Phrases("native", "/v1/generations", "/v1/generations/{id}")
ELUMENTA = Phrases("elumenta", "/api/v2/generate", "/api/v2/generate/{number}")
BOTH = (NATIVE, ELUMENTA)


async def untouched(server: Running, account: str = "default") -> None:
    """Nothing was stored, nothing is held, and the books are exact."""
    statement = await server.engine.access.show_account(await server.engine.principal(account))
    assert (statement.held, statement.spent, statement.in_flight) == (0, 0, 0)
    assert statement.available == statement.granted
    audit = await server.engine.store.audit()
    assert (audit.discrepancies, audit.generations) == ((), 0)


async def a_video_at(server: Running, **inputs: Any) -> str:
    """The id of a new generation, by the native API."""
    answer = await NATIVE.ask_for(server, prompt=PROMPT, **inputs)
    assert answer.status == 202
    return str(answer.body["id"])


A_VIDEO = an_output(content=bytes(range(256)) * 40)
"""10,240 bytes that all tell where they are."""
