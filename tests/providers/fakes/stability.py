"""Stability AI: forms, files in the body of an answer, and 202 while one waits."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Seen, Told

ID = "a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4"
FLAGGED = "Your request was flagged by our content moderation system, as a result your request was denied."


def error(status: int, name: str, words: str) -> Told:
    return Told(status, {"id": ID, "name": name, "errors": [words]})


class Stability(Fake):
    name = "stability"
    modality = "image"
    is_sync = True
    has_files = False
    finish_reason = "SUCCESS"

    submitted: ClassVar[Any] = {
        "prompt": "a red fox in the snow",
        "model": "sd3.5-large",
        "mode": "text-to-image",
        "aspect_ratio": "16:9",
        "seed": "7",
        "output_format": "png",
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/v2beta/stable-image/generate/{model}", "submit", self.submit),
            ("POST", "/v2beta/audio/stable-audio-2/{how}", "submit", self.submit),
        ]

    def shut_out(self) -> Told:
        return error(401, "unauthorized", "missing or invalid authorization header")

    def submit(self, seen: Seen) -> Told:
        kind = "audio" if "audio" in seen.path else "image"
        assert isinstance(seen.body, dict), "a form"
        if seen.headers["Accept"] != f"{kind}/*":
            return error(400, "bad_request", "accept: is not one of the kinds that this makes")
        if self.is_refused(seen):
            return error(403, "content_moderation", FLAGGED)
        self.accept(seen.body)
        media_type = "audio/mpeg" if kind == "audio" else "image/png"
        return Told(200, self.media, {"Content-Type": media_type, "finish-reason": self.finish_reason, "seed": "7"})


class StabilityUpscale(Fake):
    name = "stability-upscale"
    modality = "image"
    has_files = False
    has_status_words = False

    submitted: ClassVar[Any] = {"prompt": "a red fox in the snow", "seed": "7", "output_format": "png"}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/v2beta/stable-image/upscale/creative", "submit", self.submit),
            ("GET", "/v2beta/results/{id}", "poll", self.poll),
        ]

    def shut_out(self) -> Told:
        return error(401, "unauthorized", "missing or invalid authorization header")

    def submit(self, seen: Seen) -> Told:
        if self.is_refused(seen):
            return error(403, "content_moderation", FLAGGED)
        return Told(200, {"id": self.accept(seen.body).id})

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None:
            return error(404, "not_found", "generation not found")
        match job.step():
            case "completed":
                return Told(200, self.media, {"Content-Type": "image/png", "finish-reason": "SUCCESS"})
            case "blurred":
                return Told(200, self.media, {"Content-Type": "image/png", "finish-reason": "CONTENT_FILTERED"})
            case "failed":
                return error(400, "bad_request", "image: could not be read")
            case _:
                return Told(202, {"id": job.id, "status": "in-progress"})
