"""fal's queue: URLs told at the submit, 202 while it works, failures that are COMPLETED, errors in place of results."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

WORDS = {"queued": "IN_QUEUE", "running": "IN_PROGRESS", "completed": "COMPLETED"}

MODELS = ("fal-ai/veo3.1", "fal-ai/veo3.1/image-to-video", "fal-ai/nano-banana/edit", "comfy/fox/flow")


class Fal(Fake):
    name = "fal"

    submitted: ClassVar[Any] = {
        "prompt": "a red fox in the snow",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "duration": 5,
        "generate_audio": False,
        "seed": 7,
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        # The path of a model belongs to the submit alone: /fal-ai/veo3.1 is the app of both.
        requests = "/{app:fal-ai/veo3.1|fal-ai/nano-banana|comfy/fox/flow}/requests/{id}"
        return [
            *(("POST", f"/{model}", "submit", self.submit) for model in MODELS),
            ("GET", requests + "/status", "poll", self.poll),
            ("GET", requests, "result", self.result),
            ("PUT", requests + "/cancel", "cancel", self.cancel),
        ]

    def is_let_in(self, seen: Seen) -> bool:
        return seen.headers.get("Authorization") == f"Key {self.secret}"

    def shut_out(self) -> Told:
        return Told(401, {"detail": "Authentication is required to access this application."})

    def submit(self, seen: Seen) -> Told:
        job = self.accept(seen.body)
        if self.is_refused(seen):
            job.states.clear()
            job.states.append("refused")
        parts = seen.path.split("/")
        app = "/".join(parts[1:4] if parts[1] == "comfy" else parts[1:3])
        return Told(200, {"status": "IN_QUEUE", "queue_position": 0, **self.links(app, job.id)})

    def links(self, app: str, id: str) -> dict[str, str]:
        url = f"{self.url}/{app}/requests/{id}"
        return {"request_id": id, "response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None:
            return Told(404, {"detail": "Request not found"})
        state = job.step()
        body: dict[str, Any] = {"status": WORDS.get(state, state), **self.links(seen.match["app"], job.id)}
        match state:
            case "queued":
                return Told(202, {**body, "queue_position": 3})
            case "failed" | "refused":
                ended = {**body, "status": "COMPLETED", "logs": None, "metrics": {}}
                return Told(200, {**ended, "error": "Unexpected status code: 422"})
            case "completed":
                return Told(200, {**body, "logs": None, "metrics": {"inference_time": 41.9}})
        return Told(202, {**body, "logs": None})

    def result(self, seen: Seen) -> Told:
        job = self.jobs[seen.match["id"]]
        match job.states[0]:
            case "failed":
                detail = [{"loc": ["body", "seed"], "msg": "Input should be greater than 0", "type": "greater_than"}]
                return Told(422, {"detail": detail})
            case "refused":
                text = "The content could not be processed because it contained material flagged by a content checker."
                detail = [{"loc": ["body", "prompt"], "msg": text, "type": "content_policy_violation"}]
                return Told(422, {"detail": detail}, {"X-Fal-Retryable": "false"})
        return self.done(job)

    def done(self, job: Job) -> Told:
        video = {"url": self.file_url, "content_type": "video/mp4", "file_name": "output.mp4", "file_size": 1234}
        return Told(200, {"video": video, "seed": 7}, {"x-fal-request-id": job.id, "x-fal-billable-units": "5.0"})

    def cancel(self, seen: Seen) -> Told:
        self.jobs[seen.match["id"]].is_canceled = True
        return Told(202, {"status": "CANCELLATION_REQUESTED"})
