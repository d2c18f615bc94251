"""An upstream over a real socket that outlives every server, and counts by our reference what it was asked to make.

One fake stands for three upstreams: `sturdy` takes our reference as an idempotency key, `known` can look it up, and
`fragile` makes (and bills) a new picture for each submit.
"""

from collections import Counter
from pathlib import Path

from darkroom.brief import Modality
from tests.providers.fakes.fake import Fake, Handler, Seen, Told, Trouble

KINDS = ("sturdy", "known", "fragile")

MANIFEST = """
base_url = "{url}"
hosts = ["127.0.0.1"]
when_ambiguous = "{when_ambiguous}"

[auth]
kind = "none"

[submit]
path = "/{kind}/jobs"
body = "{{ours: reference, what: prompt}}"
id = "answer.job"
{idempotency}

[poll]
path = "/jobs/{{id}}"
status = "answer.state"
interval_s = 0.02
longest_s = 0.2

[poll.statuses]
queued = ["queued"]
running = ["running"]
completed = ["completed"]
failed = ["failed"]

[outputs]
files = "answer.files"
{lookup}

[limits]
slots = 4

[[models]]
slug = "{kind}"
name = "{kind}"
maker = "Nobody"
modality = "image"
tasks = ["text-to-image"]
expected_wait_s = [1, 2]
price = {{ credits = 3 }}
upstream = "{kind}"
inputs.prompt = {{ type = "string", required = true }}
"""

LOOKUP = """
[lookup]
path = "/known/jobs"
query = "{ours: reference}"
id = "answer.job"
absent = "answer.job == `null`"
"""

TROUBLES = {
    "submit": (Trouble("before"), Trouble("after"), Trouble("inside"), Trouble("before", 429), Trouble("after", 502)),
    "poll": (Trouble("before"), Trouble("inside"), Trouble("before", 503)),
    "lookup": (Trouble("before"), Trouble("before", 503)),
}
"""What can go wrong with a call: a cut before it is heard, after it, inside its answer; an answer that is none."""


class Upstream(Fake):
    name = "upstream"
    modality = Modality.IMAGE

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        return [
            *(("POST", f"/{kind}/jobs", "submit", self.submit) for kind in KINDS),
            ("GET", "/known/jobs", "lookup", self.look_up),
            ("GET", "/jobs/{id}", "poll", self.poll),
        ]

    def is_let_in(self, seen: Seen) -> bool:
        return True

    def submit(self, seen: Seen) -> Told:
        return Told(202, {"job": self.accept(seen.body, key=seen.headers.get("Idempotency-Key", "")).id})

    def look_up(self, seen: Seen) -> Told:
        found = [job.id for job in self.jobs.values() if job.body["ours"] == seen.query["ours"]]
        return Told(200, {"job": found[0] if found else None})

    def poll(self, seen: Seen) -> Told:
        state = self.jobs[seen.match["id"]].step()
        return Told(200, {"state": state, "files": [self.file_url] if state == "completed" else []})

    @property
    def made(self) -> Counter[str]:
        """How many pictures were made, and billed, for each of our references."""
        return Counter(str(job.body["ours"]) for job in self.jobs.values())

    def write_manifests(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        for kind in KINDS:
            manifest = MANIFEST.format(
                url=self.url,
                kind=kind,
                when_ambiguous="fail" if kind == "fragile" else "hold",
                idempotency='idempotency = "Idempotency-Key"' if kind == "sturdy" else "",
                lookup=LOOKUP if kind == "known" else "",
            )
            (folder / f"{kind}.toml").write_text(manifest)
