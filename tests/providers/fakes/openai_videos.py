"""OpenAI's videos, version 1, as its public documents and its library describe them."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

WORDS = {"queued": "queued", "running": "in_progress", "completed": "completed", "failed": "failed"}
FIELDS = ("model", "prompt", "seconds", "size", "input_reference")


class OpenaiVideos(Fake):
    name = "openai-videos"
    PREFIX = "/v1"
    extra: tuple[str, ...] = ()
    """Fields that a server of one's own takes besides OpenAI's."""

    submitted: ClassVar[Any] = {
        "model": "a-model",
        "prompt": "a red fox in the snow",
        "seconds": "5",
        "size": "1280x720",
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/videos", "submit", self.submit),
            ("GET", "/videos/{id}", "poll", self.poll),
            ("GET", "/videos/{id}/content", "result", self.content),
            ("DELETE", "/videos/{id}", "cancel", self.delete),
        ]

    def shut_out(self) -> Told:
        return error(401, f"Incorrect API key provided: {self.secret}.", "invalid_api_key")

    def submit(self, seen: Seen) -> Told:
        if not seen.headers["Content-Type"].startswith("multipart/form-data"):
            return error(400, "This endpoint takes a form.", "unsupported_content_type")
        for field in seen.body:
            if field not in FIELDS + self.extra:
                return error(400, f"Unknown parameter: '{field}'.", "unknown_parameter", param=field)
        if not isinstance(seen.body.get("input_reference", b""), bytes):
            return error(400, "Expected a file.", "invalid_type", param="input_reference")
        if self.is_refused(seen):
            return error(400, "Your request was blocked by our moderation system.", "moderation_blocked")
        return Told(200, self.video(self.accept(seen.body), "queued"))

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None:
            return error(404, f"Video with id '{seen.match['id']}' not found.", "not_found")
        return Told(200, self.video(job, job.step()), {"openai-poll-after-ms": "2500"})

    def content(self, seen: Seen) -> Told:
        return Told(200, self.media, {"Content-Type": "video/mp4"})

    def delete(self, seen: Seen) -> Told:
        self.jobs[seen.match["id"]].is_canceled = True
        return Told(200, {"id": seen.match["id"], "object": "video.deleted", "deleted": True})

    def video(self, job: Job, state: str) -> dict[str, Any]:
        reason = {"code": "moderation_blocked", "message": "Our systems flagged the result."}
        failed = {"code": "video_generation_failed", "message": f"It failed, see {self.url}."}
        return {
            "id": job.id,
            "object": "video",
            "model": job.body.get("model"),
            "status": "failed" if state == "refused" else WORDS.get(state, state),
            "progress": {"running": 40, "completed": 100}.get(state, 0),
            "created_at": 1_760_000_000,
            "completed_at": None,
            "expires_at": None,
            "size": job.body.get("size"),
            "seconds": job.body.get("seconds"),
            "remixed_from_video_id": None,
            "error": {"refused": reason, "failed": failed}.get(state),
        }


def error(status: int, message: str, code: str, *, type: str = "invalid_request_error", param: Any = None) -> Told:
    return Told(status, {"error": {"message": message, "type": type, "param": param, "code": code}})
