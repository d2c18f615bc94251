"""The snippets of docs/webhooks.md are run: against our own signatures, and against what they must refuse."""

import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from darkroom import signing
from darkroom.webhook import Parcel

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")
BODY = '{"type":"webhook.test","data":{"name":"é"}}'.encode()
NEW, OLD, OTHER = (f"whsec_{base64.b64encode(bytes([n]) * 24).decode()}" for n in (1, 2, 3))

Verify = Callable[[str, dict[str, str], bytes], bool]


def snippet(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def in_python(secret: str, headers: dict[str, str], body: bytes) -> bool:
    names: dict[str, Any] = {}
    exec(snippet("python"), names)
    try:
        names["verify"](secret, headers, body)
    except ValueError:
        return False
    return True


def in_javascript(secret: str, headers: dict[str, str], body: bytes) -> bool:
    given = json.dumps([secret, headers, base64.b64encode(body).decode()])
    act = f"const [s, h, b] = {given}; try {{ verify(s, h, Buffer.from(b, 'base64')) }} catch {{ process.exit(3) }}"
    done = subprocess.run(["node", "-e", snippet("javascript") + act], check=False, timeout=30)
    assert done.returncode in (0, 3)
    return done.returncode == 0


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")


@pytest.mark.parametrize("verify", [in_python, pytest.param(in_javascript, marks=needs_node)])
def test_the_snippet_takes_what_is_ours_and_nothing_else(verify: Verify) -> None:
    def signed(age_s: int = 0) -> dict[str, str]:
        now = datetime.fromtimestamp(int(time.time()) - age_s, UTC)
        parcel = Parcel(id="d1", url="", secret=NEW, old_secrets=(OLD,), dialect="native", tries=0, created_at=now)
        return signing.headers(parcel, BODY, now=now)

    assert verify(NEW, signed(), BODY)
    assert verify(OLD, signed(), BODY)
    assert not verify(OTHER, signed(), BODY)
    assert not verify(NEW, signed(), BODY + b" ")
    assert not verify(NEW, {**signed(), "webhook-id": "d2"}, BODY)
    assert not verify(NEW, signed(age_s=400), BODY)
    assert not verify(NEW, signed(age_s=-400), BODY)
    assert not verify(NEW, {**signed(), "webhook-signature": "v1,"}, BODY)
