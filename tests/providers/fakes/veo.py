"""Google's Veo in the Gemini API: an operation with a name, done or not, and a download that wants the key."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Seen, Told

RAI = "Sorry, we can't create videos that violate our usage policy. You have not been charged for this attempt."


class Veo(Fake):
    name = "veo"
    PREFIX = "/v1beta"
    has_status_words = False

    submitted: ClassVar[Any] = {
        "instances": [{"prompt": "a red fox in the snow"}],
        "parameters": {"aspectRatio": "16:9", "durationSeconds": 4, "resolution": "720p"},
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/models/{model}:predictLongRunning", "submit", self.submit),
            ("GET", "/models/{model}/operations/{id}", "poll", self.poll),
            ("GET", "/files/{name}:download", "file", self.download),
        ]

    def is_let_in(self, seen: Seen) -> bool:
        return seen.headers.get("x-goog-api-key") == self.secret

    def error(self, code: int, status: str, message: str) -> Told:
        return Told(code, {"error": {"code": code, "message": message, "status": status}})

    def shut_out(self) -> Told:
        return self.error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")

    def submit(self, seen: Seen) -> Told:
        if "wicked" in str(seen.body):
            words = "This prompt contains sensitive words that violate Google's Responsible AI practices."
            return self.error(400, "INVALID_ARGUMENT", words)
        job = self.accept(seen.body)
        job.key = f"models/{seen.match['model']}/operations/{job.id}"
        if self.is_refused(seen):
            job.states.extend(["filtered"])
            job.states.popleft()
        return Told(200, {"name": job.key})

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None or not seen.path.endswith(job.key):
            return self.error(404, "NOT_FOUND", "Operation not found.")
        state = "filtered" if "forbidden" in str(job.body) else job.step()
        if state in ("queued", "running"):
            return Told(200, {"name": job.key})
        if state == "failed":
            error = {"code": 13, "message": "Video generation failed due to an internal server issue."}
            return Told(200, {"name": job.key, "done": True, "error": error})
        told: dict[str, Any] = {"generatedSamples": [{"video": {"uri": self.video_uri}}]}
        if state == "filtered":
            told = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [RAI]}
        response = {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse",
            "generateVideoResponse": told,
        }
        return Told(200, {"name": job.key, "done": True, "response": response})

    @property
    def video_uri(self) -> str:
        return f"{self.url}/v1beta/files/abc123:download?alt=media"

    def download(self, seen: Seen) -> Told:
        return Told(302, headers={"Location": self.file_url})
