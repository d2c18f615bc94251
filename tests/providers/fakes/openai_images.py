"""OpenAI's images, version 1, as its public documents and its library describe them."""

import base64
from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Seen, Told

GENERATE = ("model", "prompt", "n", "size", "quality", "output_format", "background", "style")
EDIT = ("model", "prompt", "n", "size", "quality", "output_format", "background", "image", "image[]", "mask")


class OpenaiImages(Fake):
    name = "openai-images"
    modality = "image"
    PREFIX = "/v1"
    is_sync = True
    has_files = False
    extra: tuple[str, ...] = ()
    """Fields that a server of one's own takes besides those of the GPT image models."""

    submitted: ClassVar[Any] = {
        "model": "gpt-image-1",
        "prompt": "a red fox in the snow",
        "n": 1,
        "size": "1280x720",
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [("POST", "/images/generations", "submit", self.generate), ("POST", "/images/edits", "edit", self.edit)]

    def shut_out(self) -> Told:
        return error(401, f"Incorrect API key provided: {self.secret}.", "invalid_api_key")

    def generate(self, seen: Seen) -> Told:
        if seen.headers["Content-Type"] != "application/json":
            return error(400, "This endpoint takes JSON.", "unsupported_content_type")
        return self.made(seen, GENERATE)

    def edit(self, seen: Seen) -> Told:
        images = seen.body.get("image[]", seen.body.get("image"))
        if not all(isinstance(image, bytes) for image in (images if isinstance(images, list) else [images])):
            return error(400, "Expected a file.", "invalid_type", param="image")
        return self.made(seen, EDIT)

    def made(self, seen: Seen, fields: tuple[str, ...]) -> Told:
        for field in seen.body:
            if field not in fields + self.extra:
                return error(400, f"Unknown parameter: '{field}'.", "unknown_parameter", param=field)
        if self.is_refused(seen):
            message = (
                f"Your request was rejected by the safety system, contact {self.url}. safety_violations=[violence]."
            )
            return error(400, message, "moderation_blocked", type="image_generation_user_error")
        self.accept(seen.body)
        return Told(200, self.answer(int(seen.body.get("n", 1)), seen.body.get("response_format")))

    def answer(self, count: int, response_format: str | None) -> dict[str, Any]:
        encoded = base64.b64encode(self.media).decode()
        one = {"url": self.file_url, "revised_prompt": "A fox."} if response_format == "url" else {"b64_json": encoded}
        usage = {"input_tokens": 50, "output_tokens": 1056, "total_tokens": 1106}
        return {"created": 1_760_000_000, "data": [one] * count, "output_format": "png", "usage": usage}


def error(status: int, message: str, code: str, *, type: str = "invalid_request_error", param: Any = None) -> Told:
    return Told(status, {"error": {"message": message, "type": type, "param": param, "code": code}})
