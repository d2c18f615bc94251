"""Kling, as its maker's documents describe it: an envelope with a code, and a signed token for each call."""

from typing import Any, ClassVar

import jwt

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

ACCESS, SECRET = "ak-test-0123456789", "sk-test-abcdef0123456789abcdef0123456789"
WORDS = {"queued": "submitted", "running": "processing", "completed": "succeed", "failed": "failed"}


class Kling(Fake):
    name = "kling"
    secret = f"{ACCESS}:{SECRET}"

    submitted: ClassVar[Any] = {
        "model_name": "kling-v2-6",
        "prompt": "a red fox in the snow",
        "mode": "std",
        "sound": "off",
        "aspect_ratio": "16:9",
        "duration": "5",
        "external_task_id": "0190-1",
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/v1/videos/{kind}", "submit", self.submit),
            ("GET", "/v1/videos/{kind}/{id}", "poll", self.poll),
        ]

    def is_let_in(self, seen: Seen) -> bool:
        token = seen.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            if jwt.get_unverified_header(token) != {"alg": "HS256", "typ": "JWT"}:
                return False
            jwt.decode(token, SECRET, algorithms=["HS256"], issuer=ACCESS, options={"require": ["exp", "nbf", "iss"]})
        except jwt.InvalidTokenError:
            return False
        return True

    def shut_out(self) -> Told:
        return Told(401, self.envelope(1002, "Authorization is invalid"))

    def submit(self, seen: Seen) -> Told:
        if self.is_refused(seen):
            return Told(400, self.envelope(1301, "Trigger the content security policy of the platform"))
        reference = seen.body.get("external_task_id", "")
        if self.found(seen.match["kind"], reference):
            return Told(400, self.envelope(1201, f"External_task_id {reference} already exists"))
        job = self.accept(seen.body)
        job.key = seen.match["kind"]
        return Told(200, self.envelope(0, "SUCCEED", self.task(job, "queued")))

    def poll(self, seen: Seen) -> Told:
        job = self.found(seen.match["kind"], seen.match["id"])
        if job is None:
            return Told(400, self.envelope(1201, f"Task not found by id/external id: {seen.match['id']}"))
        return Told(200, self.envelope(0, "SUCCEED", self.task(job, job.step())))

    def found(self, kind: str, id: str) -> Job | None:
        jobs = [job for job in self.jobs.values() if job.key == kind]
        return next((job for job in jobs if id in (job.id, job.body.get("external_task_id"))), None)

    def task(self, job: Job, state: str) -> dict[str, Any]:
        videos = [{"id": f"{job.id}-video", "url": self.file_url, "duration": "5.1"}]
        return {
            "task_id": job.id,
            "task_status": WORDS.get(state, "failed" if state == "risky" else state),
            "task_status_msg": {
                "failed": "Failure to pass the quality check",
                "risky": "Failure to pass the risk control system",
            }.get(state, ""),
            "task_info": {"external_task_id": job.body.get("external_task_id", "")},
            "task_result": {"videos": videos} if state == "completed" else {},
            "final_unit_deduction": "2.5" if state == "completed" else "0",
            "created_at": 1722769557708,
            "updated_at": 1722769557708,
        }

    def envelope(self, code: int, message: str, data: Any = None) -> dict[str, Any]:
        told = {"code": code, "message": message, "request_id": "9984d27b-a408-4073-ae28-17ca6a13622d"}
        return told if data is None else {**told, "data": data}
