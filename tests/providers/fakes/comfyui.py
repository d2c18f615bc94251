"""ComfyUI: a workflow is queued under an id of our choice, asked after as a job, and its files are viewed."""

from typing import Any, ClassVar

from tests.providers.fakes.fake import Fake, Handler, Job, Seen, Told
from tests.providers.fakes.media import TYPE

WORDS = {"queued": "pending", "running": "in_progress"}
FILE = {"filename": "darkroom_00001_.png", "subfolder": "", "type": "output"}


class ComfyUi(Fake):
    name = "comfyui"
    modality = "image"
    has_content_rules = False

    submitted: ClassVar[Any] = {
        "prompt_id": "0190-1",
        "prompt": {
            "3": {
                "class_type": "KSampler",
                "inputs": {
                    "seed": 7,
                    "steps": 20,
                    "cfg": 8,
                    "sampler_name": "euler",
                    "scheduler": "normal",
                    "denoise": 1,
                    "model": ["4", 0],
                    "positive": ["6", 0],
                    "negative": ["7", 0],
                    "latent_image": ["5", 0],
                },
            },
            "4": {
                "class_type": "CheckpointLoaderSimple",
                "inputs": {"ckpt_name": "v1-5-pruned-emaonly-fp16.safetensors"},
            },
            "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 1280, "height": 720, "batch_size": 1}},
            "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox in the snow", "clip": ["4", 1]}},
            "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}},
            "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
            "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "darkroom", "images": ["8", 0]}},
        },
    }

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            ("POST", "/upload/image", "upload", self.upload),
            ("POST", "/prompt", "submit", self.submit),
            ("GET", "/api/jobs/{id}", "poll", self.poll),
            ("POST", "/api/jobs/{id}/cancel", "cancel", self.cancel),
            ("GET", "/view", "result", self.view),
        ]

    def is_let_in(self, seen: Seen) -> bool:
        return "Authorization" not in seen.headers

    def upload(self, seen: Seen) -> Told:
        name = f"uploaded-{self.counts['upload']}.png"
        return Told(200, {"name": name, "subfolder": seen.body["subfolder"], "type": seen.body["type"]})

    def submit(self, seen: Seen) -> Told:
        if any("nowhere" in str(node) for node in seen.body["prompt"].values()):
            error = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
            return Told(400, {"error": {**error, "details": "", "extra_info": {}}, "node_errors": {"4": {}}})
        job = self.accept(seen.body)
        return Told(200, {"prompt_id": job.id, "number": len(self.jobs), "node_errors": {}})

    def new_id(self, number: int) -> str:
        return str(self.seen[-1][1].body["prompt_id"])

    def poll(self, seen: Seen) -> Told:
        job = self.jobs.get(seen.match["id"])
        return Told(404, {"error": "Job not found"}) if job is None else Told(200, self.job(job, job.step()))

    def job(self, job: Job, state: str) -> dict[str, Any]:
        told = {"id": job.id, "status": WORDS.get(state, state), "priority": 0, "create_time": 1763700000000}
        if state == "failed":
            error = {"node_id": "3", "node_type": "KSampler", "exception_message": "CUDA out of memory"}
            told |= {"execution_error": error, "outputs": {}}
        if state == "completed":
            shown = {"filename": "ComfyUI_temp_00001_.png", "subfolder": "", "type": "temp"}
            told |= {"outputs": {"9": {"images": [FILE], "animated": [False]}, "10": {"images": [shown]}}}
        return told

    def cancel(self, seen: Seen) -> Told:
        self.jobs[seen.match["id"]].is_canceled = True
        return Told(200, {"cancelled": True})

    def view(self, seen: Seen) -> Told:
        if dict(seen.query) != FILE:
            return Told(404)
        return Told(200, self.media, {"Content-Type": TYPE[self.modality]})
