"""ElevenLabs, version 1, as its public documents and its library describe it: the answer is the audio."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Seen, Told

VOICES = ("21m00Tcm4TlvDq8ikWAM", "pNInz6obpgDQGcFmaJgB", "alloy")
SPEECH = ("text", "model_id", "language_code", "voice_settings", "seed")
SOUND = ("text", "model_id", "duration_seconds", "prompt_influence", "loop")
MUSIC = ("prompt", "model_id", "music_length_ms", "composition_plan", "force_instrumental")
FORMATS = ("mp3_44100_128", "wav_44100", "pcm_24000", "opus_48000_128")


class Elevenlabs(Fake):
    name = "elevenlabs"
    modality = "speech"
    PREFIX = "/v1"
    secret = "xi-0123456789abcdef"
    is_sync = True
    has_files = False

    submitted: ClassVar[Any] = {"text": "a red fox in the snow", "model_id": "eleven_multilingual_v2", "seed": 7}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/text-to-speech/{voice}", "submit", self.speak),
            ("POST", "/sound-generation", "submit", lambda seen: self.made(seen, SOUND)),
            ("POST", "/music", "submit", self.compose),
        ]

    def is_let_in(self, seen: Seen) -> bool:
        return seen.headers.get("xi-api-key") == self.secret

    def shut_out(self) -> Told:
        return error(401, "invalid_api_key", f"Invalid API key {self.secret}")

    def speak(self, seen: Seen) -> Told:
        if seen.match["voice"] not in VOICES:
            return error(404, "voice_not_found", f"A voice with voice_id {seen.match['voice']} was not found.")
        return self.made(seen, SPEECH)

    def compose(self, seen: Seen) -> Told:
        if not 3_000 <= seen.body.get("music_length_ms", 10_000) <= 600_000:
            return Told(422, {"detail": [{"loc": ["body", "music_length_ms"], "msg": "out of range", "type": "range"}]})
        return self.made(seen, MUSIC)

    def made(self, seen: Seen, fields: tuple[str, ...]) -> Told:
        for field in seen.body:
            if field not in fields:
                detail = [{"loc": ["body", field], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}]
                return Told(422, {"detail": detail})
        if seen.query.get("output_format", FORMATS[0]) not in FORMATS:
            return Told(422, {"detail": [{"loc": ["query", "output_format"], "msg": "not a format", "type": "enum"}]})
        if self.is_refused(seen):
            message = (
                "Your prompt appears to have violated our Terms of Service. Please try again with a different prompt."
            )
            return error(400, "bad_prompt", message, data={"prompt_suggestion": "a fox"})
        self.accept(seen.body)
        return Told(200, self.media, {"Content-Type": "audio/mpeg", "request-id": "req_1", "character-cost": "21"})


def error(status: int, word: str, message: str, **more: Any) -> Told:
    return Told(status, {"detail": {"status": word, "message": message, **more}})
