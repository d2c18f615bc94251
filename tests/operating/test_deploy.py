"""What is shipped to run it with: variables are settings, commands exist, files that are named are there."""

import fnmatch
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from darkroom import config
from darkroom.config import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = set(Settings.__struct_fields__)
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


@pytest.mark.parametrize("path", [DEPLOY / "compose.yaml", DEPLOY / "Dockerfile", *UNITS], ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    named = {name.lower() for name in re.findall(r"\bDARKROOM_([A-Z_]+)\b", path.read_text("utf-8"))}
    assert named - SETTINGS == set()


def test_the_compose_file_s_settings_are_accepted() -> None:
    for name in ("api", "worker"):
        environment = {key: str(value) for key, value in compose()["services"][name]["environment"].items()}
        command = compose()["services"][name]["command"]
        assert command[:2] == ["serve", "--role"]
        found = config.load(None, {"role": command[2]}, environment=environment)
        assert (found.role, found.assets, found.assets_direct) == (name, "s3://darkroom/assets", False)


def test_what_the_compose_file_s_services_need_is_there() -> None:
    found = compose()
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    head = text[: text.index("services:")]
    for name, service in found["services"].items():
        assert "image" in service, name
        assert set(service.get("depends_on", ())) <= set(found["services"])
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in found["volumes"]
    assert {name for name in re.findall(r"\$\{(\w+)", text) if name not in head} == set()


def test_what_the_dockerfile_copies_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = [word for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.M) for word in line.split()[:-1]]
    assert [word for word in copied if not (ROOT / word).exists()] == []
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    kept = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert [word for word in copied if not any(fnmatch.fnmatch(word, pattern) for pattern in kept)] == []
    (extras,) = re.findall(r"'\.\[(.+)\]'", text)
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert [extra for extra in extras.split(",") if f"\n{extra} = [" not in project] == []


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_role_and_gives_it_time_to_stop(path: Path) -> None:
    text = path.read_text("utf-8")
    (command,) = re.findall(r"^ExecStart=/opt/darkroom/bin/darkroom (.+)$", text, re.M)
    assert command in ("serve", "serve --role api", "serve --role worker --port %i")
    (limit_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", text, re.M)
    # Longer than work may go on, and than everyone's last answers.
    assert int(limit_s) > Settings().shutdown_limit_s + 4


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_tries_for_as_long_as_its_database_is_away(path: Path) -> None:
    head, service = path.read_text("utf-8").split("[Service]")
    assert "\nStartLimitIntervalSec=0\n" in head
    assert "\nRestart=always\n" in service


def test_each_alert_is_raised_in_a_case_of_its_own() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))
    cases = yaml.safe_load((DEPLOY / "prometheus" / "alerts.test.yml").read_text("utf-8"))
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
    asked = [question for case in cases["tests"] for question in case["alert_rule_test"]]
    assert {question["alertname"] for question in asked if question["exp_alerts"]} == set(alerts)
    assert {question["alertname"] for question in asked if not question["exp_alerts"]} == set(alerts)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus's own tool")
def test_the_alerts_are_raised_when_their_cases_say() -> None:
    command = ("promtool", "test", "rules", str(DEPLOY / "prometheus" / "alerts.test.yml"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
