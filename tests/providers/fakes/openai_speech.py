"""OpenAI's speech, version 1, as its public documents describe it: the answer is the audio."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Seen, Told
from tests.providers.fakes.media import TYPE

VOICES = ("alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse")


class OpenaiSpeech(Fake):
    name = "openai-speech"
    modality = "speech"
    PREFIX = "/v1"
    is_sync = True
    has_files = False

    submitted: ClassVar[Any] = {
        "model": "tts-1",
        "input": "a red fox in the snow",
        "voice": "alloy",
        "response_format": "mp3",
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [("POST", "/audio/speech", "submit", self.submit)]

    def shut_out(self) -> Told:
        return error(401, f"Incorrect API key provided: {self.secret}.", "invalid_api_key")

    def submit(self, seen: Seen) -> Told:
        if seen.body.get("voice") not in VOICES:
            return error(400, "Invalid value for 'voice'.", "invalid_value", param="voice")
        if self.is_refused(seen):
            return error(400, "This request has been flagged by our moderation system.", "content_policy_violation")
        self.accept(seen.body)
        return Told(200, self.media, {"Content-Type": TYPE["speech"]})


def error(status: int, message: str, code: str, *, type: str = "invalid_request_error", param: Any = None) -> Told:
    return Told(status, {"error": {"message": message, "type": type, "param": param, "code": code}})
