"""Luma's Dream Machine, version 1, as its public documents describe it."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

WORDS = {"queued": "queued", "running": "dreaming", "completed": "completed", "failed": "failed", "refused": "failed"}


class Luma(Fake):
    name = "luma"
    PREFIX = "/dream-machine/v1"

    submitted: ClassVar[Any] = {
        "model": "ray-2",
        "prompt": "a red fox in the snow",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "duration": "5s",
        "loop": False,
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/generations/video", "submit", self.submit),
            ("GET", "/generations/{id}", "poll", self.poll),
            ("DELETE", "/generations/{id}", "cancel", self.cancel),
        ]

    def submit(self, seen: Seen) -> Told:
        if self.is_refused(seen):
            return Told(400, {"detail": "Prompt not allowed because advanced moderation failed"})
        return Told(201, self.generation(self.accept(seen.body), "queued"))

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        return (
            Told(404, {"detail": "Generation not found"})
            if job is None
            else Told(200, self.generation(job, job.step()))
        )

    def cancel(self, seen: Seen) -> Told:
        self.jobs[seen.match["id"]].is_canceled = True
        return Told(204)

    def generation(self, job: Job, state: str) -> dict[str, Any]:
        return {
            "id": job.id,
            "generation_type": "video",
            "state": WORDS.get(state, state),
            "failure_reason": "The model could not render this" if state == "failed" else None,
            "created_at": "2026-03-08T12:05:00Z",
            "model": "ray-2",
            "assets": {"video": self.file_url} if state == "completed" else None,
            "request": job.body,
        }
