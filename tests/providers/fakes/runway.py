"""Runway: a path for each kind of work, one for tasks, a version in a header, and moderation told by a poll."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

WORDS = {
    "queued": "THROTTLED",
    "running": "RUNNING",
    "completed": "SUCCEEDED",
    "failed": "FAILED",
    "refused": "FAILED",
    "canceled": "CANCELLED",
}


class Runway(Fake):
    name = "runway"
    PREFIX = "/v1"
    cost_micro_usd = 600_000

    submitted: ClassVar[Any] = {
        "model": "gen4.5",
        "promptText": "a red fox in the snow",
        "ratio": "1280:720",
        "duration": 5,
        "seed": 7,
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        kinds = ("text_to_video", "image_to_video", "video_to_video", "text_to_image", "character_performance")
        return [
            *(("POST", f"/{kind}", "submit", self.submit) for kind in kinds),
            ("GET", "/tasks/{id}", "poll", self.poll),
            ("DELETE", "/tasks/{id}", "cancel", self.cancel),
        ]

    def shut_out(self) -> Told:
        return Told(401, {"error": "The API key is invalid."})

    def submit(self, seen: Seen) -> Told:
        if seen.headers.get("X-Runway-Version") != "2024-11-06":
            return Told(400, {"error": "You must provide a valid X-Runway-Version header."})
        if not seen.body.get("model"):
            return Told(400, {"error": "Validation of body failed", "issues": [{"path": ["model"]}]})
        job = self.accept(seen.body)
        if self.is_refused(seen):
            job.states.clear()
            job.states.append("refused")
        return Told(200, {"id": job.id, "estimatedCost": {"credits": 60}})

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        return Told(404, {"error": "Task not found."}) if job is None else Told(200, self.task(job, job.step()))

    def cancel(self, seen: Seen) -> Told:
        self.jobs[seen.match["id"]].is_canceled = True
        return Told(204)

    def task(self, job: Job, state: str) -> dict[str, Any]:
        task: dict[str, Any] = {"id": job.id, "createdAt": "2026-03-08T12:05:00Z", "status": WORDS.get(state, state)}
        match state:
            case "completed":
                return {**task, "output": [self.file_url], "cost": {"credits": 60}}
            case "refused":
                return {
                    **task,
                    "failure": "The text was flagged by our content moderation system.",
                    "failureCode": "SAFETY.INPUT.TEXT",
                    "cost": {"credits": 60},
                }
            case "failed":
                failure = "An unexpected error occurred."
                return {**task, "failure": failure, "failureCode": "INTERNAL.BAD_OUTPUT.CODE01", "cost": {"credits": 0}}
            case "canceled":
                return {**task, "cost": {"credits": 60}}
        return {**task, "estimatedCost": {"credits": 60}, **({"progress": 0.25} if state == "running" else {})}
