"""The code samples of the seed documents, as they stand there."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

SEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "seeds"

needs_seeds = pytest.mark.skipif(not SEEDS.is_dir(), reason="the seeds are not beside the repository")

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)(?P<title>[^\n]*)\n(?P<code>.*?)^(?P=indent)```", re.M | re.S)


@dataclass(frozen=True)
class Sample:
    """`heading` is the last heading above it."""

    language: str
    title: str
    heading: str
    code: str

    def changed(self, **replacements: str) -> str:
        """The code with each text replaced; one that is not there is a mistake of ours."""
        code = self.code
        for before, after in replacements.items():
            assert before in code, before
            code = code.replace(before, after)
        return code


def samples(number: str) -> list[Sample]:
    """Every sample of a seed, by its number such as `001`."""
    (file,) = SEEDS.glob(f"{number}_*.txt")
    text = file.read_text("utf-8")
    return [
        Sample(
            language=found["language"],
            title=found["title"],
            heading=re.findall(r"^#+ (.*)", text[: found.start()], re.M)[-1],
            code=textwrap.dedent(found["code"]),
        )
        for found in _FENCE.finditer(text)
    ]


def sample(number: str, language: str, about: str = "") -> Sample:
    """The only sample of a language whose title or heading tells of `about`."""
    (found,) = (
        sample
        for sample in samples(number)
        if sample.language == language and about in f"{sample.heading} {sample.title}"
    )
    return found


OUR_PYTHON = """
    import time

    import requests

    api = "BASE/api/v2/generate"
    headers = {"Authorization": "Bearer KEY"}
    sent = {"model": "luma-flash2", "prompt": "Rain on a tin roof", "params": {"duration": 5, "aspect_ratio": "1:1"}}
    generation = requests.post(api, headers=headers, json=sent).json()
    while generation["status"] == "pending":
        time.sleep(0.2)
        generation = requests.get(f"{api}/{generation['id']}", headers=headers).json()
    print(generation["status"], generation["tokens_spent"], generation["result_url"])
"""
"""A caller's program of ours, of the same kind: a caller sleeps between its polls."""
