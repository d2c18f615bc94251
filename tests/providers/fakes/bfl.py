"""Black Forest Labs: a polling URL of its own for each request, a key in `x-key`, and moderation told as a status."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Seen, Told

WORDS = {
    "queued": "Pending",
    "running": "Pending",
    "completed": "Ready",
    "failed": "Error",
    "request": "Request Moderated",
    "content": "Content Moderated",
}


class Bfl(Fake):
    name = "bfl"
    modality = "image"
    cost_micro_usd = 30_000
    region = ""
    """The host that is told for polls, in place of the one that was asked."""

    submitted: ClassVar[Any] = {"prompt": "a red fox in the snow", "seed": 7, "width": 1280, "height": 720}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/v1/{model}", "submit", self.submit),
            ("GET", "/v1/get_result", "poll", self.poll),
        ]

    def is_let_in(self, seen: Seen) -> bool:
        return seen.headers.get("x-key") == self.secret

    def shut_out(self) -> Told:
        return Told(403, {"detail": "Not authenticated - invalid key"})

    def submit(self, seen: Seen) -> Told:
        job = self.accept(seen.body)
        if self.is_refused(seen):
            job.states.clear()
            job.states.append("request")
        here = self.url.replace("127.0.0.1", self.region or "127.0.0.1")
        told = {"id": job.id, "polling_url": f"{here}/v1/get_result?id={job.id}"}
        return Told(200, {**told, "cost": 3.0, "input_mp": 0.0, "output_mp": 0.92})

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.query["id"])
        if job is None:
            return Told(200, {"id": seen.query["id"], "status": "Task not found", "result": None})
        state = job.step()
        told: dict[str, Any] = {"id": job.id, "status": WORDS.get(state, state), "result": None, "progress": None}
        if state == "running":
            told["progress"] = 0.5
        if state == "completed":
            told["result"] = {"sample": self.file_url, "prompt": "a red fox in the snow", "seed": 7, "duration": 2.5}
        if state == "failed":
            told["error"] = "The request could not be rendered"
        if state in ("request", "content"):
            told["details"] = {"Moderation Reasons": ["Safety Filter"]}
        return Told(200, told)
