"""Vivix's API, version 1, as its public documents show it."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

WORDS = {"queued": "pending", "running": "processing", "refused": "failed"}

REASONS = {
    "failed": "Underlying model returned an error.",
    "refused": "The prompt was stopped by content policy checks.",
}


class Vivix(Fake):
    name = "vivix"
    PREFIX = "/api/v1"

    submitted: ClassVar[Any] = {
        "model": "a-model",
        "prompt": "a red fox in the snow",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "duration": 5,
        "audio": False,
        "seed": 7,
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [("POST", "/generate", "submit", self.submit), ("GET", "/generations/{id}", "poll", self.poll)]

    def new_id(self, number: int) -> str:
        return f"5b91a581-ee19-4f86-9fea-{number:012d}"

    def shut_out(self) -> Told:
        return self.error(401, "KEY_INVALID", "This key is not valid.")

    def submit(self, seen: Seen) -> Told:
        job = self.accept(seen.body)
        if self.is_refused(seen):
            job.states.clear()
            job.states.append("refused")
        return Told(201, {**self.shown(job, "queued"), "credits_estimate": 211})

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None:
            return self.error(404, "NOT_FOUND", "No generation with that id exists.")
        state = job.step()
        shown = self.shown(job, state)
        if state in REASONS:
            return Told(200, {**shown, "error": "PROVIDER_ERROR", "message": REASONS[state], "credits_used": 0})
        if state != "completed":
            return Told(200, {**shown, "credits_estimate": 211, "elapsed_ms": 4200})
        ends = {"credits_used": 211, "duration_ms": 12420, "completed_at": "2026-05-10T12:35:08Z"}
        return Told(200, {**shown, "output_url": self.file_url, "output_urls": [self.file_url], **ends})

    def error(self, status: int, code: str, message: str) -> Told:
        return Told(status, {"error": code, "message": message, "next": "...", "request_id": "req_abc123xyz"})

    def shown(self, job: Job, state: str) -> dict[str, Any]:
        return {
            "generation_id": job.id,
            "status": WORDS.get(state, state),
            "model": job.body["model"],
            "created_at": "2026-05-10T12:34:56Z",
        }
