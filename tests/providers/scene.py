"""A manifest's provider before its fake, and the work that it is given."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from darkroom.brief import Brief, Modality, Role, Task
from darkroom.clock import SystemClock
from darkroom.guarded import GuardedClient
from darkroom.ports import Address, Output, Pending, Ticket, Work
from darkroom.providers.client import Exchange
from darkroom.providers.configured import make
from darkroom.providers.manifest.provider import ManifestProvider
from darkroom.providers.manifest.reading import SHIPPED, read
from tests.providers.fakes.fake import Fake, Trouble
from tests.providers.fakes.media import mp3, mp4, png

TASKS = {
    "video": Task.TEXT_TO_VIDEO,
    "image": Task.TEXT_TO_IMAGE,
    "music": Task.MUSIC,
    "speech": Task.SPEECH,
    "sound": Task.SOUND,
}


@asynccontextmanager
async def facing(fake: Fake, folder: Path, **changes: Any) -> AsyncIterator["Facing"]:
    """The shipped manifest of a fake's name, pointed at it; `changes` are what a file of one's own would say."""
    async with fake.serving():
        file = folder / f"{fake.name}.toml"
        (folder / "secret").write_text(fake.secret + "\n")
        tables = {
            "use": fake.name,
            "base_url": fake.url + fake.PREFIX,
            "credentials": [{"name": "main", "file": str(folder / "secret")}],
            **changes,
        }
        file.write_text(to_toml(tables))
        guarded = GuardedClient(allow_loopback=True)
        exchanges: list[Exchange] = []
        provider = make(read(file), guarded=guarded, clock=SystemClock(), watch=exchanges.append)
        await guarded.open()
        await provider.open()
        try:
            yield Facing(fake, provider, folder, exchanges)
        finally:
            await provider.close()
            await guarded.close()


class Facing:
    """`exchanges` are all there were."""

    def __init__(
        self, fake: Fake, provider: ManifestProvider, folder: Path, exchanges: Sequence[Exchange] = ()
    ) -> None:
        self.fake = fake
        self.provider = provider
        self.exchanges = exchanges
        self._folder = folder
        self._works = 0

    def work(self, prompt: str = "a red fox in the snow", **changes: Any) -> Work:
        """A fox for five seconds, in 16:9 and 720p, at the fake."""
        self._works += 1
        folder = self._folder / f"work-{self._works}"
        folder.mkdir()
        modality = Modality(self.fake.modality)
        is_seen = modality in (Modality.VIDEO, Modality.IMAGE)
        brief: dict[str, Any] = {
            "model": "a-model",
            "task": TASKS[modality],
            "modality": modality,
            "prompt": prompt,
            "seed": 7,
            "width": 1280 if is_seen else None,
            "height": 720 if is_seen else None,
            "duration_s": 5.0 if modality is not Modality.IMAGE else None,
            "voice": "alloy" if modality is Modality.SPEECH else "",
            "format": "mp3" if modality in (Modality.SPEECH, Modality.MUSIC) else "",
        } | changes
        return Work(
            reference=f"0190-{self._works}",
            attempt=1,
            upstream=self.upstream,
            inputs={"prompt": prompt},
            brief=Brief(**brief),
            expected_wait_s=(1, 2),
            scratch=folder,
            address=self.provider.address(),
            words={"aspect_ratio": "16:9", "resolution": "720p"} if is_seen else {},
        )

    @property
    def upstream(self) -> str:
        routes = self.provider.manifest.form.routes
        return routes[0].upstream if routes and "*" not in routes[0].upstream else "a-model"

    def picture(self) -> dict[str, Any]:
        path = self._folder / "fox.png"
        path.write_bytes(png())
        return {"task": Task.IMAGE_TO_VIDEO, "media": {Role.IMAGE: (path,)}}

    def media(self, task: Task, **counts: int) -> dict[str, Any]:
        """What `work` takes for a task with so many pictures (or films, or sounds) in each role."""
        kinds = {"video": ("mp4", mp4), "audio": ("mp3", mp3)}
        media: dict[Role, tuple[Path, ...]] = {}
        for name, count in counts.items():
            ending, made = kinds.get(name, ("png", png))
            paths = tuple(self._folder / f"{name}-{number}.{ending}" for number in range(count))
            for path in paths:
                path.write_bytes(made())
            media[Role(name)] = paths
        return {"task": task, "media": media}

    async def submit(self, work: Work) -> Ticket | Output:
        return await self.provider.start(work)

    async def poll(self, work: Work, ticket: Ticket) -> Output | Pending:
        return await self.provider.poll(work, ticket, lambda progress: None)

    async def told(self, body: Any, *, status: int = 200, kind: str = "poll") -> Output | Pending:
        """Submit, and be told this at the next call of that kind."""
        work = self.work()
        ticket = await self.submit(work)
        assert isinstance(ticket, Ticket)
        self.fake.trouble(kind, Trouble("after", status=status, body=body))
        return await self.poll(work, ticket)

    async def finish(self, work: Work, started: Ticket | Output) -> Output:
        """Poll until it is done, without a pause."""
        for _ in range(20):
            if isinstance(started, Output):
                return started
            state = await self.poll(work, started)
            if isinstance(state, Output):
                return state
        raise AssertionError("it was never done")


def to_toml(tables: dict[str, Any]) -> str:
    lines = [f"{key} = {_literal(value)}" for key, value in tables.items() if not isinstance(value, dict)]
    for key, value in tables.items():
        if isinstance(value, dict):
            lines += ["", f"[{key}]", *(f"{name} = {_literal(item)}" for name, item in value.items())]
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_literal(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if not isinstance(value, str) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


__all__ = ["SHIPPED", "Address", "Facing", "facing"]
