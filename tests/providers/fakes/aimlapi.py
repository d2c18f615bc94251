"""AIMLAPI's universal route, its log of requests, and Luma's own route, as its published specifications have them."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

UNIVERSAL = {"running": "generating", "failed": "error", "refused": "error"}
LUMA = {"running": "dreaming", "refused": "failed"}

ERRORS = {
    "failed": {"name": "Error", "message": "The model could not make this video"},
    "refused": {"name": "Error", "message": "Your request was rejected by our content moderation system."},
}

REFERENCE = "X-Client-Request-Id"


class Aimlapi(Fake):
    name = "aimlapi"
    tells_absence = False
    cost_micro_usd: ClassVar[int | None] = 60_000

    submitted: ClassVar[Any] = {
        "model": "a-model",
        "prompt": "a red fox in the snow",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "duration": 5,
        "seed": 7,
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/v2/video/generations", "submit", self.submit),
            ("GET", "/v2/video/generations", "poll", self.poll),
            ("POST", "/v2/generate/audio", "submit", self.submit),
            ("GET", "/v2/generate/audio", "poll", self.poll),
            ("GET", "/v2/logs", "lookup", self.logs),
        ]

    def new_id(self, number: int) -> str:
        return f"60ac7c34-3224-4b14-8e7d-{number:012d}:vendor/model"

    def shut_out(self) -> Told:
        return self.error(401, "This request requires a valid API key.")

    def submit(self, seen: Seen) -> Told:
        job = self.accept(seen.body)
        job.reference = seen.headers.get(REFERENCE, "")
        if self.is_refused(seen):
            job.states.clear()
            job.states.append("refused")
        return Told(200, {"id": job.id, "status": "queued", "meta": {"usage": {"credits_used": 120000}}})

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.query["generation_id"])
        return self.error(404, "Not Found") if job is None else Told(200, self.generation(job, job.step()))

    def logs(self, seen: Seen) -> Told:
        """What has ended, newest first; time goes by from one question to the next."""
        ended = [job for job in self.jobs.values() if job.step() in ("completed", "failed", "refused")]
        rows = [self.row("inf-of-another", None), *(self.row(job.id, job.reference) for job in reversed(ended))]
        return Told(200, {"data": rows, "pagination": {"limit": 100, "offset": 0, "total": 2, "has_more": False}})

    def row(self, id: str, reference: str | None) -> dict[str, Any]:
        return {
            "created": "2026-07-02T03:04:05.000Z",
            "status": "succeeded",
            "origin": "api",
            "cost": {"usd": 0.06, "credits": 120000},
            "request_id": "req-1",
            "inference_id": id,
            "client_request_id": reference,
        }

    def error(self, status: int, message: str) -> Told:
        named = {"path": "/v2/video/generations", "requestId": "req-1", "timestamp": "2025-03-11T07:13:27.813Z"}
        return Told(status, {"message": message, "statusCode": status, **named})

    def generation(self, job: Job, state: str) -> dict[str, Any]:
        key = "video" if self.modality == "video" else "audio_file"
        return {
            "id": job.id,
            "status": UNIVERSAL.get(state, state),
            key: {"url": self.file_url, "duration": 8} if state == "completed" else None,
            "error": ERRORS.get(state),
            "meta": {"usage": {"credits_used": 120000, "usd_spent": 0.06}},
            "model": job.body["model"],
        }


class AimlapiLuma(Aimlapi):
    """Luma's own route: many ids in one question, an unknown one refusing it."""

    name = "aimlapi-luma"
    cost_micro_usd = 250_000

    submitted: ClassVar[Any] = {
        "model": "a-model",
        "prompt": "a red fox in the snow",
        "aspect_ratio": "16:9",
        "loop": False,
        "resolution": "720p",
        "duration": "5s",
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        path = "/v2/generate/video/luma-ai/generation"
        return [
            ("POST", path, "submit", self.submit),
            ("GET", f"{path}s", "poll", self.poll),
            ("GET", "/v2/logs", "lookup", self.logs),
        ]

    def new_id(self, number: int) -> str:
        return f"755f9bbb-d99b-4880-992b-{number:012d}"

    def submit(self, seen: Seen) -> Told:
        return Told(201, {**super().submit(seen).body, "state": "queued"})

    def poll(self, seen: Seen) -> Told:
        ids = seen.query["generation_ids"].split(",")
        if not all(id in self.jobs for id in ids):
            return self.error(404, "Not Found")
        return Told(200, [self.luma(self.jobs[id], self.jobs[id].step()) for id in ids])

    def luma(self, job: Job, state: str) -> dict[str, Any]:
        return {
            "id": job.id,
            "generation_type": "video",
            "state": LUMA.get(state, state),
            "failure_reason": ERRORS[state]["message"] if state in ERRORS else None,
            "created_at": "2025-01-20T10:00:00.000Z",
            "assets": {"video": self.file_url, "image": None} if state == "completed" else None,
            "model": "ray-2",
            "request": job.body,
        }
