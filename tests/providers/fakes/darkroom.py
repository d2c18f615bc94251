"""Darkroom's own native API, as docs/dialects/native.md and docs/idempotency.md have it."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told


class Darkroom(Fake):
    name = "darkroom"
    PREFIX = "/v1"
    cost_micro_usd = 250_000

    submitted: ClassVar[Any] = {"model": "a-model", "inputs": {"prompt": "a red fox in the snow"}}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/generations", "submit", self.submit),
            ("GET", "/generations/{id}", "poll", self.poll),
            ("POST", "/generations/{id}/cancel", "cancel", self.cancel),
        ]

    def shut_out(self) -> Told:
        return self.error(401, "key_invalid", "this key is not known")

    def submit(self, seen: Seen) -> Told:
        key = seen.headers["Idempotency-Key"]
        first = next((job for job in self.jobs.values() if job.key == key), None)
        if first is not None and first.body != seen.body:
            return self.error(422, "idempotency_conflict", "this key was used with another request")
        job = self.accept(seen.body, key=key)
        if self.is_refused(seen):
            job.states.clear()
            job.states.append("refused")
        return Told(202, self.generation(job, "queued"), {"Location": f"/v1/generations/{job.id}", "Retry-After": "1"})

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None:
            return self.error(404, "not_found", f"there is no generation {seen.match['id']}")
        state = job.step()
        return Told(200, self.generation(job, state), {"Retry-After": "2"} if state in ("queued", "running") else {})

    def cancel(self, seen: Seen) -> Told:
        job = self.jobs[seen.match["id"]]
        job.is_canceled = True
        return Told(200, self.generation(job, "canceled"))

    def error(self, status: int, code: str, message: str) -> Told:
        return Told(status, {"error": {"code": code, "message": message, "problems": [], "request_id": "req_1"}})

    def generation(self, job: Job, state: str) -> dict[str, Any]:
        is_done = state == "completed"
        causes = {
            "failed": {"code": "provider_rejected", "message": "the provider could not make this"},
            "refused": {"code": "content_refused", "message": "the prompt was refused by the content rules"},
        }
        output = {
            "url": self.file_url,
            "media_type": "video/mp4",
            "size_bytes": len(self.media),
            "width": 64,
            "height": 36,
            "duration_s": 1,
            "thumbnail_url": None,
            "url_expires_at": None,
        }
        return {
            "id": job.id,
            "number": 1,
            "status": {"refused": "failed"}.get(state, state),
            "model": job.body["model"],
            "inputs": job.body["inputs"],
            "quote": 25,
            "spent": 25 if is_done else 0,
            "released": 0 if is_done else 25 if state in causes else 0,
            "progress": {"running": 0.5, "completed": 1.0}.get(state),
            "outputs": [output] if is_done else [],
            "error": causes.get(state),
        }
