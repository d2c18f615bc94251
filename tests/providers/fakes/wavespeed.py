"""WaveSpeedAI: everything in an envelope with a code of its own, and refusals told as failures of a poll."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

WORDS = {"queued": "created", "running": "processing", "refused": "failed"}
ERRORS = {
    "failed": "Generation failed: the model did not answer in time",
    "refused": "Content flagged as potentially sensitive. Please try different prompts or images.",
}


class WaveSpeed(Fake):
    name = "wavespeed"
    PREFIX = "/api/v3"

    submitted: ClassVar[Any] = {
        "prompt": "a red fox in the snow",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "duration": 5,
        "seed": 7,
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("GET", "/predictions/{id}/result", "poll", self.poll),
            ("DELETE", "/predictions/{id}", "cancel", self.cancel),
            ("POST", "/google/veo3", "submit", self.submit),
            ("POST", "/kwaivgi/kling-v2.1-i2v-standard", "submit", self.submit),
        ]

    def shut_out(self) -> Told:
        return Told(401, {"code": 401, "message": "invalid authentication"})

    def submit(self, seen: Seen) -> Told:
        job = self.accept(seen.body)
        if self.is_refused(seen):
            job.states.clear()
            job.states.append("refused")
        return self.prediction(job, "queued")

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None:
            return Told(404, {"code": 404, "message": "Task not found"})
        return self.prediction(job, job.step())

    def cancel(self, seen: Seen) -> Told:
        job = self.jobs[seen.match["id"]]
        job.is_canceled = True
        return Told(200, {"code": 200, "message": "success", "data": {"id": job.id, "status": "deleted"}})

    def prediction(self, job: Job, state: str) -> Told:
        data = {
            "id": job.id,
            "model": "google/veo3",
            "status": WORDS.get(state, state),
            "outputs": [self.file_url] if state == "completed" else [],
            "urls": {"get": f"{self.url}/api/v3/predictions/{job.id}/result"},
            "timings": {"inference": 41250 if state == "completed" else 0},
            "has_nsfw_contents": [],
            "error": ERRORS.get(state, ""),
            "created_at": "2026-03-08T12:05:00.000Z",
        }
        return Told(200, {"code": 200, "message": "success", "data": data})
