"""Replicate: the model in the path or a version in the body, files that go up first, outputs as a link or a list."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

WORDS = {
    "queued": "starting",
    "running": "processing",
    "completed": "succeeded",
    "failed": "failed",
    "refused": "failed",
    "canceled": "canceled",
}
ERRORS = {
    "failed": "CUDA out of memory. Tried to allocate 2.5 GiB",
    "refused": "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
}
LOGS = "Using seed: 7\n  0%|          | 0/50 [00:00<?, ?it/s]\n 76%|#######6  | 38/50 [00:31<00:09,  1.21it/s]"


class Replicate(Fake):
    name = "replicate"
    PREFIX = "/v1"

    submitted: ClassVar[Any] = {
        "input": {
            "prompt": "a red fox in the snow",
            "aspect_ratio": "16:9",
            "resolution": "720p",
            "duration": 5,
            "seed": 7,
        }
    }

    def __init__(self) -> None:
        super().__init__()
        self.files: list[bytes] = []

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/predictions", "submit", self.submit),
            ("POST", "/models/{owner}/{model}/predictions", "submit", self.submit),
            ("POST", "/deployments/{owner}/{model}/predictions", "submit", self.submit),
            ("GET", "/predictions/{id}", "poll", self.poll),
            ("POST", "/predictions/{id}/cancel", "cancel", self.cancel),
            ("POST", "/files", "upload", self.upload),
        ]

    def shut_out(self) -> Told:
        detail = "You did not pass a valid authentication token"
        return Told(401, {"title": "Unauthenticated", "detail": detail, "status": 401})

    def submit(self, seen: Seen) -> Told:
        if "version" not in seen.body and "owner" not in seen.match:
            body = {"title": "Input validation failed", "detail": "- version is required", "status": 422}
            return Told(422, {**body, "invalid_fields": [{"field": "version"}]})
        job = self.accept(seen.body)
        if self.is_refused(seen):
            job.states.clear()
            job.states.append("refused")
        return Told(201, self.prediction(job, "queued"))

    def upload(self, seen: Seen) -> Told:
        self.files.append(seen.body["content"])
        id = f"file-{len(self.files)}"
        urls = {"get": f"{self.url}/v1/files/{id}"}
        return Told(201, {"id": id, "content_type": "image/png", "size": len(self.files[-1]), "urls": urls})

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None:
            return Told(404, {"detail": "The requested resource could not be found.", "status": 404})
        return Told(200, self.prediction(job, job.step()))

    def cancel(self, seen: Seen) -> Told:
        job = self.jobs[seen.match["id"]]
        job.is_canceled = True
        return Told(200, self.prediction(job, "canceled"))

    def prediction(self, job: Job, state: str) -> dict[str, Any]:
        return {
            "id": job.id,
            "model": "bytedance/seedance-1-pro",
            "version": "hidden",
            "input": job.body["input"],
            "output": self.file_url if state == "completed" else None,
            "logs": LOGS if state == "running" else "",
            "error": ERRORS.get(state),
            "status": WORDS.get(state, state),
            "created_at": "2026-03-08T12:05:00.000Z",
            "data_removed": False,
            "metrics": {"predict_time": 41.25, "total_time": 43.5} if state in ("completed", "failed") else {},
            "urls": {"get": f"{self.url}/v1/predictions/{job.id}"},
        }
