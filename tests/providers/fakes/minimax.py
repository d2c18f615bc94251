"""MiniMax: its first video API, whose errors come with HTTP 200; the second, an honest one; and its voices."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told

WORDS = {"queued": "Queueing", "running": "Processing", "completed": "Success", "failed": "Fail"}


def base_resp(code: int, message: str) -> dict[str, Any]:
    return {"base_resp": {"status_code": code, "status_msg": message}}


class MiniMax(Fake):
    name = "minimax"

    submitted: ClassVar[Any] = {
        "model": "MiniMax-Hailuo-2.3",
        "prompt": "a red fox in the snow",
        "duration": 6,
        "resolution": "768P",
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/v1/video_generation", "submit", self.submit),
            ("GET", "/v1/query/video_generation", "poll", self.poll),
            ("GET", "/v1/files/retrieve", "result", self.result),
        ]

    def shut_out(self) -> Told:
        return Told(200, base_resp(1004, "login fail: Please carry the API secret key in the 'Authorization' field"))

    def new_id(self, number: int) -> str:
        return f"10691611221203{number}"

    def submit(self, seen: Seen) -> Told:
        if self.is_refused(seen):
            return Told(200, {"task_id": "", **base_resp(1026, "input new_sensitive")})
        return Told(200, {"task_id": self.accept(seen.body).id, **base_resp(0, "success")})

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.query["task_id"])
        if job is None:
            return Told(200, base_resp(2013, "invalid params, task_id is invalid"))
        return Told(200, self.task(job, job.step()))

    def task(self, job: Job, state: str) -> dict[str, Any]:
        told: dict[str, Any] = {"task_id": job.id, "status": WORDS.get(state, "Fail" if state == "seen" else state)}
        if state == "seen":
            return {**told, **base_resp(1027, "output new_sensitive")}
        if state == "failed":
            return {**told, **base_resp(1000, "unknown error")}
        if state == "completed":
            told |= {"file_id": f"17684402876832{job.id[-1]}", "video_width": 1366, "video_height": 768}
        return {**told, **base_resp(0, "success")}

    def result(self, seen: Seen) -> Told:
        if not seen.query["file_id"].startswith("17684402876832"):
            return Told(200, base_resp(2013, "invalid params"))
        file = {
            "file_id": int(seen.query["file_id"]),
            "bytes": 0,
            "created_at": 1783658254,
            "filename": "output_aigc.mp4",
            "purpose": "video_generation",
            "download_url": self.file_url,
        }
        return Told(200, {"file": file, **base_resp(0, "success")})


class MiniMaxH3(Fake):
    name = "minimax-h3"
    cost_micro_usd = 400_000

    submitted: ClassVar[Any] = {
        "model": "MiniMax-H3",
        "content": [{"type": "text", "text": "a red fox in the snow"}],
        "resolution": "768P",
        "duration": 5,
        "ratio": "16:9",
    }

    WORDS: ClassVar[dict[str, str]] = {"completed": "succeeded"}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/v2/video_generation", "submit", self.submit),
            ("GET", "/v2/query/video_generation/{id}", "poll", self.poll),
            ("DELETE", "/v2/video_generation/{id}", "cancel", self.cancel),
        ]

    def error(self, status: int, kind: str, message: str) -> Told:
        error = {"type": kind, "message": message, "http_code": str(status)}
        return Told(status, {"type": "error", "error": error, "request_id": "0634"})

    def shut_out(self) -> Told:
        return self.error(401, "authorized_error", "login fail (1004)")

    def submit(self, seen: Seen) -> Told:
        if self.is_refused(seen):
            words = "video description contains sensitive content (1026)"
            return self.error(422, "unprocessable_entity_error", words)
        return Told(200, {"task_id": self.accept(seen.body).id})

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        if job is None:
            return self.error(400, "bad_request_error", "invalid params, invalid task_id (2013)")
        state = job.step()
        task = {
            "id": job.id,
            "model": "MiniMax-H3",
            "status": self.WORDS.get(state, "failed" if state == "seen" else state),
            "resolution": "768P",
            "duration": 5,
            "usage": {},
            "task_type": "generation",
            "modality": "video",
        }
        if state == "completed":
            task |= {"content": {"url": self.file_url}, "usage": {"total_seconds": 5, "output_seconds": 5}}
        if state == "failed":
            task["error"] = {"code": "1000", "message": "internal error"}
        if state == "seen":
            task["error"] = {"code": "1027", "message": "the generated video is sensitive"}
        return Told(200, {"task": task})

    def cancel(self, seen: Seen) -> Told:
        self.jobs[seen.match["id"]].is_canceled = True
        return Told(200, {"task_id": seen.match["id"], "action": "cancelled", "status": "cancelled"})


class MiniMaxAudio(Fake):
    name = "minimax-audio"
    modality = "speech"
    is_sync = True
    has_files = False

    submitted: ClassVar[Any] = {
        "model": "speech-2.8-hd",
        "text": "a red fox in the snow",
        "stream": False,
        "output_format": "hex",
        "voice_setting": {"voice_id": "alloy", "speed": 1.0},
        "audio_setting": {"format": "mp3"},
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/v1/t2a_v2", "submit", self.submit),
            ("POST", "/v1/music_generation", "submit", self.submit),
        ]

    def shut_out(self) -> Told:
        return Told(200, base_resp(1004, "login fail"))

    def submit(self, seen: Seen) -> Told:
        if self.is_refused(seen):
            return Told(200, {"data": None, **base_resp(1026, "input new_sensitive")})
        self.accept(seen.body)
        data = {"audio": self.media.hex(), "status": 2}
        extra = {"audio_length": 1000, "audio_format": "mp3", "usage_characters": 21}
        return Told(200, {"data": data, "extra_info": extra, "trace_id": "01b8", **base_resp(0, "success")})
