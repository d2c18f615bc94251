"""OpenRouter's videos, version 1, as its public documents describe them."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

WORDS = {"queued": "pending", "running": "in_progress", "completed": "completed", "failed": "failed"}
PATH = "/api/v1/videos"


class Openrouter(Fake):
    name = "openrouter"
    PREFIX = "/api/v1"
    secret = "sk-or-v1-0123456789abcdef"
    cost_micro_usd = 500_000

    submitted: ClassVar[Any] = {
        "model": "google/veo-3.1",
        "prompt": "a red fox in the snow",
        "duration": 5,
        "resolution": "720p",
        "aspect_ratio": "16:9",
        "generate_audio": False,
        "seed": 7,
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/videos", "submit", self.submit),
            ("GET", "/videos/{id}", "poll", self.poll),
            ("GET", "/videos/{id}/content", "result", self.content),
        ]

    def shut_out(self) -> Told:
        return Told(401, {"error": {"code": 401, "message": f"No cookie auth credentials found for {self.secret}"}})

    def submit(self, seen: Seen) -> Told:
        if self.is_refused(seen):
            metadata = {"reasons": ["violence"], "flagged_input": "something forbidden", "provider_name": "Google"}
            return Told(403, {"error": {"code": 403, "message": "Input was flagged", "metadata": metadata}})
        job = self.accept(seen.body)
        return Told(202, {"id": job.id, "polling_url": f"{PATH}/{job.id}", "status": "pending"})

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None:
            return Told(404, {"error": {"code": 404, "message": "Job not found"}})
        return Told(200, self.job(job, job.step()))

    def content(self, seen: Seen) -> Told:
        if seen.query.get("index", "0") != "0":
            return Told(404, {"error": {"code": 404, "message": "No such output"}})
        return Told(200, self.media, {"Content-Type": "video/mp4"})

    def job(self, job: Job, state: str) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": job.id,
            "polling_url": f"{PATH}/{job.id}",
            "status": "failed" if state == "refused" else WORDS.get(state, state),
        }
        if state == "completed":
            told["generation_id"] = "gen-xyz789"
            told["unsigned_urls"] = [f"https://openrouter.ai{PATH}/{job.id}/content?index=0"]
            told["usage"] = {"cost": 0.5, "is_byok": False}
        if state == "failed":
            told["error"] = f"The model could not make this, see {self.url}"
        if state == "refused":
            told["error"] = "The output was withheld by the provider's content policy"
        return told
