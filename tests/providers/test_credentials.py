"""Secrets: where they are found, how they sign, what they may be asked for, and that nobody is shown one."""

import asyncio
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest

from darkroom.errors import Misconfigured, ProviderRejected, ProviderUnavailable
from darkroom.ports import Ticket
from darkroom.providers.credentials import Credential, Pacer, freest, sign
from darkroom.providers.manifest.form import AuthForm, CredentialForm
from tests.providers.fakes.fake import Trouble
from tests.providers.fakes.luma import Luma
from tests.providers.scene import Facing, facing

NOW = 1_772_971_500.0


def credential(secret: str = "studio:s3cret-key", **form: Any) -> Credential:
    made = Credential(CredentialForm(environment="KEY", **form), slots=2, rate=None)
    made.read(environment={"KEY": secret})
    return made


@pytest.mark.parametrize(
    ("form", "headers", "query"),
    [
        (AuthForm(kind="none"), {}, {}),
        (AuthForm(kind="bearer"), {"Authorization": "Bearer studio:s3cret-key"}, {}),
        (AuthForm(kind="header", prefix="Key "), {"Authorization": "Key studio:s3cret-key"}, {}),
        (AuthForm(kind="header", name="x-api-key"), {"x-api-key": "studio:s3cret-key"}, {}),
        (AuthForm(kind="query", name="key"), {}, {"key": "studio:s3cret-key"}),
        # printf 'studio:s3cret-key' | base64
        (AuthForm(kind="basic"), {"Authorization": "Basic c3R1ZGlvOnMzY3JldC1rZXk="}, {}),
    ],
)
def test_how_a_call_is_signed(form: AuthForm, headers: Mapping[str, str], query: Mapping[str, str]) -> None:
    signed = sign(form, credential(), now=NOW)
    assert (signed.headers, signed.query) == (headers, query)


def test_a_token_is_signed_for_each_call_and_ends() -> None:
    secret = "an-access-key:0123456789abcdef0123456789abcdef"
    signed = sign(AuthForm(kind="jwt", lifetime_s=1800), credential(secret), now=NOW)
    token = signed.headers["Authorization"].removeprefix("Bearer ")
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    claims = jwt.decode(
        token, secret.split(":")[1], algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False}
    )
    assert claims == {"iss": "an-access-key", "exp": 1_772_973_300, "nbf": 1_772_971_495}


def test_where_a_secret_is_found(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    by_file = Credential(CredentialForm(file=str(tmp_path / "key")), slots=1, rate=None)
    by_file.read()
    assert by_file.secret == "from a file"
    by_command = Credential(CredentialForm(command=("printf", "from a command")), slots=1, rate=None)
    by_command.read()
    assert by_command.secret == "from a command"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (CredentialForm(environment="NOT_SET"), "the environment variable NOT_SET is empty"),
        (CredentialForm(file="/not/there"), "the file /not/there cannot be read"),
        (CredentialForm(command=("sh", "-c", "echo s3cret-key; exit 3")), "its command failed"),
    ],
)
def test_one_that_is_not_there_is_told_by_its_place_alone(form: CredentialForm, told: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Credential(form, slots=1, rate=None).read(environment={})
    assert str(caught.value) == f"credential 'main': {told}"


@pytest.mark.parametrize("secret", ["one\ntwo", "a\tb", "\ufeffkey", "ключ"])
def test_one_that_could_not_stand_in_a_header_is_refused_and_not_told(secret: str) -> None:
    with pytest.raises(Misconfigured, match="the environment variable KEY holds more than a key") as caught:
        credential(secret)
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "secret"),
    [("basic", "s3cret-key"), ("jwt", "s3cret-key"), ("jwt", ":s3cret-key"), ("jwt", "studio:")],
)
def test_a_pair_is_a_pair(kind: Any, secret: str) -> None:
    with pytest.raises(Misconfigured, match="the environment variable KEY is not of the form ID:SECRET"):
        credential(secret).check(AuthForm(kind=kind))


def test_a_secret_is_blanked_whole_and_in_its_parts() -> None:
    assert credential().blank("it said s3cret-key to studio:s3cret-key") == "it said *** to ***"


def test_the_freest_is_taken_and_none_past_its_limits() -> None:
    small, large = credential(name="small", slots=1), credential(name="large", slots=4)
    both = {"small": small, "large": large}
    large.running |= {"a"}
    assert freest(both, 0.0) is small
    small.running |= {"b"}
    assert freest(both, 0.0) is large
    large.resting_until = 10.0
    assert freest(both, 9.0) is None
    assert freest(both, 10.0) is large
    assert freest({"old": credential(retired=True)}, 0.0) is None
    spent = credential(budget_usd=5)
    assert freest({"spent": spent}, 0.0) is spent
    spent.spent_usd = 5.0
    assert freest({"spent": spent}, 0.0) is None


def test_what_other_workers_have_of_it_counts() -> None:
    large, small = credential(slots=4), credential(slots=2)
    both = {"large": large, "small": small}
    assert freest(both, 0.0) is large
    large.elsewhere = 3
    assert freest(both, 0.0) is small
    large.running.add("ours")
    assert not large.has_room(0.0)


def test_a_rate_is_divided_among_the_workers() -> None:
    async def run() -> float:
        pacer = Pacer(100.0, workers=4)
        start = asyncio.get_running_loop().time()
        for _ in range(3):
            await pacer.turn()
        return asyncio.get_running_loop().time() - start

    # Two pauses of four hundredths: never less, however slow the machine.
    assert asyncio.run(run()) >= 0.079


def test_calls_wait_for_their_turn() -> None:
    async def run() -> list[float]:
        pacer = Pacer(100.0)
        loop = asyncio.get_running_loop()
        start = loop.time()
        for _ in range(4):
            await pacer.turn()
        return [loop.time() - start]

    # Three pauses of a hundredth: never less, however slow the machine.
    assert asyncio.run(run())[0] >= 0.03


def test_work_is_polled_with_the_credential_that_it_was_sent_with(tmp_path: Path) -> None:
    class Two(Luma):
        def is_let_in(self, seen: Any) -> bool:
            return seen.headers["Authorization"] in ("Bearer first-key", "Bearer second-key")

    async def story(scene: Facing) -> None:
        first = scene.work()
        started = await scene.submit(first)
        second = scene.work()
        assert {first.address.credential, second.address.credential} == {"first", "second"}
        await scene.submit(second)
        assert isinstance(started, Ticket)
        await scene.poll(first, started)
        sent = [(kind, seen.headers["Authorization"]) for kind, seen in scene.fake.seen]
        name = {"first": "Bearer first-key", "second": "Bearer second-key"}
        assert sent == [
            ("submit", name[first.address.credential]),
            ("submit", name[second.address.credential]),
            ("poll", name[first.address.credential]),
        ]
        gone = dataclasses.replace(first, address=msgspec.structs.replace(first.address, credential="third"))
        with pytest.raises(ProviderUnavailable):
            await scene.poll(gone, started)

    async def run() -> None:
        (tmp_path / "first").write_text("first-key")
        (tmp_path / "second").write_text("second-key")
        files = [{"name": name, "file": str(tmp_path / name), "slots": 1} for name in ("first", "second")]
        async with asyncio.timeout(120), facing(Two(), tmp_path, credentials=files) as scene:
            await story(scene)

    asyncio.run(run())


def test_each_slot_of_a_credential_is_given_back_at_the_end(tmp_path: Path) -> None:
    async def run() -> None:
        async with asyncio.timeout(120), facing(Luma(), tmp_path, limits={"slots": 1}) as scene:
            done = scene.work()
            await scene.finish(done, await scene.submit(done))
            scene.fake.trouble("submit", Trouble("before", status=400))
            with pytest.raises(ProviderRejected):
                await scene.submit(scene.work())
            work = scene.work()
            started = await scene.submit(work)
            with pytest.raises(ProviderUnavailable):
                scene.provider.address()
            assert isinstance(started, Ticket)
            await scene.provider.cancel(work, started)
            scene.provider.address()

    asyncio.run(run())
