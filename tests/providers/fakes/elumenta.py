"""Elumenta's API, version 2, as its public documents show it."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

WORDS = {"queued": "pending", "running": "pending", "refused": "failed"}

REASONS = {"failed": "Provider error: generation failed", "refused": "Provider error: content policy violation"}


class Elumenta(Fake):
    name = "elumenta"
    PREFIX = "/api/v2"

    submitted: ClassVar[Any] = {
        "model": "a-model",
        "prompt": "a red fox in the snow",
        "duration": 5,
        "aspect_ratio": "16:9",
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [("POST", "/generate", "submit", self.submit), ("GET", "/generate/{id:\\d+}", "poll", self.poll)]

    def new_id(self, number: int) -> str:
        return str(18499 + number)

    def shut_out(self) -> Told:
        return self.error(401, "not_authenticated", "Invalid API key")

    def submit(self, seen: Seen) -> Told:
        if not seen.body.get("prompt") and not seen.body.get("text"):
            return self.error(422, "validation_error", "prompt is required")
        job = self.accept(seen.body)
        if self.is_refused(seen):
            job.states.clear()
            job.states.append("refused")
        at_once = job.states[0] == "completed" and self.modality != "video"
        return Told(200, self.generation(job, "completed" if at_once else "queued"))

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None:
            return self.error(404, "not_found", "Generation not found")
        return Told(200, self.generation(job, job.step()))

    def error(self, status: int, code: str, message: str) -> Told:
        return Told(status, {"error": code, "message": message, "details": {}})

    def generation(self, job: Job, state: str) -> dict[str, Any]:
        """An integer for an id, as in the documents."""
        shown = {"id": int(job.id), "status": WORDS.get(state, state), "model_slug": job.body["model"]}
        if state in REASONS:
            return {**shown, "error": REASONS[state], "tokens_spent": 0}
        if state != "completed":
            return {**shown, "result_url": None, "tokens_spent": 0, "created_at": "2026-03-08T12:05:00Z"}
        return {
            **shown,
            "result_url": self.file_url,
            "thumbnail_url": f"{self.url}/files/thumbnail.jpg",
            "tokens_spent": 44,
            "processing_ms": 67420,
            "result_metadata": {"duration": 5, "width": 1920, "height": 1080},
        }
