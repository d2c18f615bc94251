"""Higgsfield: a key that stands for one request of the account, and `nsfw` as a status of its own."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import SECRET, Fake, Handler, Job, Seen, Told

WORDS = {"queued": "queued", "running": "in_progress", "refused": "nsfw"}


class Higgsfield(Fake):
    name = "higgsfield"
    secret = f"key-id-4711:{SECRET}"

    submitted: ClassVar[Any] = {"prompt": "a red fox in the snow", "aspect_ratio": "16:9", "duration": 5}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/kling-video/v2.1/master/text-to-video", "submit", self.submit),
            ("POST", "/kling-video/v2.1/master/image-to-video", "submit", self.submit),
            ("POST", "/bytedance/seedance/v1/pro/fast/text-to-video", "submit", self.submit),
            ("GET", "/requests/{id}/status", "poll", self.poll),
            ("POST", "/requests/{id}/cancel", "cancel", self.cancel),
        ]

    def is_let_in(self, seen: Seen) -> bool:
        return seen.headers.get("Authorization") == f"Key {self.secret}"

    def shut_out(self) -> Told:
        return Told(401, {"detail": "Invalid credentials"})

    def submit(self, seen: Seen) -> Told:
        key = seen.headers.get("Idempotency-Key", "")
        if any(job.key == key and job.body != seen.body for job in self.jobs.values() if key):
            return Told(422, {"detail": "Idempotency key was already used with a different request"})
        job = self.accept(seen.body, key=key)
        if self.is_refused(seen):
            job.states.clear()
            job.states.append("refused")
        return Told(200, self.request(job, "queued"))

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        return Told(404, {"detail": "Request not found"}) if job is None else Told(200, self.request(job, job.step()))

    def cancel(self, seen: Seen) -> Told:
        job = self.jobs[seen.match["id"]]
        if job.states[0] != "queued":
            return Told(400, {"detail": "Request is already being processed"})
        job.is_canceled = True
        return Told(202)

    def request(self, job: Job, state: str) -> dict[str, Any]:
        url = f"{self.url}/requests/{job.id}"
        request: dict[str, Any] = {
            "status": WORDS.get(state, state),
            "request_id": job.id,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
        }
        if state == "completed":
            request["video"] = {"url": self.file_url, "content_type": "video/mp4"}
        if state == "failed":
            request["error"] = "Generation failed"
        return request
