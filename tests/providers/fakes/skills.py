"""The Open Platform of skills.video, version 1, as its public documents show it."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

WORDS = {
    "queued": "IN_QUEUE",
    "running": "IN_PROGRESS",
    "completed": "COMPLETED",
    "failed": "FAILED",
    "refused": "FAILED",
    "canceled": "CANCELED",
}

CAUSES = {
    "failed": ("VIDEO_GENERATION_FAILED", "Video generation failed. Please retry later."),
    "refused": ("VIDEO_GENERATION_CONTENT_REJECTED", "The content was rejected."),
}


class Skills(Fake):
    name = "skills"
    PREFIX = "/api/v1"

    submitted: ClassVar[Any] = {
        "prompt": "a red fox in the snow",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "duration": 5,
        "seed": 7,
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/generation/{model:.+}", "submit", self.submit),
            ("GET", "/generation/{id}", "poll", self.poll),
        ]

    def shut_out(self) -> Told:
        return Told(401, {"message": "Unauthorized"})

    def submit(self, seen: Seen) -> Told:
        job = self.accept(seen.body)
        if self.is_refused(seen):
            job.states.clear()
            job.states.append("refused")
        return Told(202, self.shown(job, "queued"))

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None:
            return Told(404, {"error": "NOT_FOUND", "message": "Generation not found"})
        return Told(200, {**self.shown(job, state := job.step()), "data": self.data(state), **self.cause(state)})

    def shown(self, job: Job, state: str) -> dict[str, Any]:
        usage = {"total": 20, "subscription": 20, "permanent": 0}
        given = {name: value for name, value in job.body.items() if not isinstance(value, bytes | list)}
        return {"id": job.id, "status": WORDS.get(state, state), "input": given, "usage": usage}

    def data(self, state: str) -> dict[str, Any] | None:
        if state != "completed":
            return None
        file = {"url": self.file_url, "file_name": "fox.mp4", "content_type": "video/mp4", "width": 64, "height": 36}
        return {"type": "video", "n": 1, "videos": [file], "video": file}

    def cause(self, state: str) -> dict[str, str]:
        code, message = CAUSES.get(state, ("", ""))
        return {"code": code, "message": message} if code else {}
