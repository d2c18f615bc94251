"""The results of finished work, wherever an upstream keeps them: in its answer, behind a link, behind another call."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from darkroom.errors import Ambiguous, ProviderRejected
from darkroom.ports import Output, Produced, Work
from darkroom.providers.client import Answer, fetched
from darkroom.providers.credentials import Credential, Signed
from darkroom.providers.manifest.calls import same_origin
from darkroom.providers.manifest.compiled import Call
from darkroom.providers.manifest.results import Results, bytes_of, listed, produced, url_of
from darkroom.providers.manifest.upstream import Upstream, asked
from darkroom.providers.manifest.verdicts import LostThere
from darkroom.providers.manifest.words import Words, with_answer

MOST_FILES = 100
"""Results of one generation: nobody asks for as many."""


class Collector:
    def __init__(self, upstream: Upstream, results: Results) -> None:
        self.manifest = upstream.manifest
        self._upstream = upstream
        self._results = results

    async def completed(self, work: Work, credential: Credential, words: Words, answer: Answer) -> Output:
        call = self.manifest.result
        if call is not None and self.manifest.files is None:
            return await self._downloaded(work, credential, call, words)
        if call is not None:
            answer = await self._upstream.ask(call, words, work, credential)
            words = {**with_answer(words, answer), "item": words["answer"]}
            try:
                self._upstream.check(answer, words, credential, phase="result")
            except LostThere:
                self._upstream.strike(
                    work, "lost result", Ambiguous("the provider says it is done, and has no result of it")
                )
        return await self.output(work, credential, words, answer)

    async def output(self, work: Work, credential: Credential, words: Words, answer: Answer) -> Output:
        """The files that an answer names, or that it is."""
        with self._billed(words):
            return await self._output(work, credential, words, answer)

    @contextmanager
    def _billed(self, words: Words) -> Iterator[None]:
        """A result that cannot be had in the end has been paid for all the same."""
        try:
            yield
        except ProviderRejected as error:
            if error.cost_micro_usd is None:
                error.cost_micro_usd = self._upstream.cost(words)
            raise

    async def _output(self, work: Work, credential: Credential, words: Words, answer: Answer) -> Output:
        if self.manifest.files is None:
            limit_bytes = self.manifest.form.limits.result_bytes
            if len(answer.body) > limit_bytes:
                raise ProviderRejected(f"the result is too large: it has more than {limit_bytes} bytes")
            path = work.folder / "result"
            await asyncio.to_thread(path.write_bytes, answer.body)
            whole = await fetched(path, answer.headers.get("content-type", "").partition(";")[0])
            file = await produced(path, work.brief.modality, self.manifest.form.outputs.type, whole, None)
            return Output(files=(file,), cost_micro_usd=self._upstream.cost(words))
        items = listed(asked(self.manifest.files, words))
        if not items:
            if self.manifest.poll is None:
                raise ProviderRejected("the provider answered without a result")
            self._upstream.strike(work, "empty", Ambiguous("the provider says that it is done, and gives no result"))
        if len(items) > MOST_FILES:
            raise ProviderRejected(f"the provider answered with {len(items)} results")
        files = [await self._file(work, credential, words, item, index) for index, item in enumerate(items, 1)]
        return Output(files=tuple(files), cost_micro_usd=self._upstream.cost(words))

    def is_elsewhere(self, words: Words) -> bool:
        """Whether the results that an answer names are still to be fetched."""
        if self.manifest.files is None:
            return False
        return self.manifest.each is not None or any(map(url_of, listed(asked(self.manifest.files, words))))

    async def _downloaded(self, work: Work, credential: Credential, call: Call, words: Words) -> Output:
        """A result that is the body of a call, however large."""
        with self._billed(words):
            file = await self._called(work, credential, call, words, work.folder / "result")
        return Output(files=(file,), cost_micro_usd=self._upstream.cost(words))

    async def _file(self, work: Work, credential: Credential, words: Words, item: Any, index: int) -> Produced:
        path = work.folder / f"result-{index}"
        if self.manifest.each is not None:
            return await self._called(work, credential, self.manifest.each, {**words, "item": item}, path)
        url = url_of(item)
        declared = self.manifest.form.outputs.type or (str(item.get("type") or "") if isinstance(item, dict) else "")
        if url is None:
            content = await asyncio.to_thread(bytes_of, item, self.manifest.form.limits.result_bytes)
            await asyncio.to_thread(path.write_bytes, content)
            whole = await fetched(path, "")
        else:
            base_url, signed = work.address.base_url, Signed()
            if self.manifest.form.outputs.authorize and same_origin(url, base_url):
                signed = self._upstream.signed(credential)
            whole = await self._results.fetch(url, path, base_url=base_url, signed=signed)
        return await produced(path, work.brief.modality, declared, whole, url)

    async def _called(self, work: Work, credential: Credential, call: Call, words: Words, path: Path) -> Produced:
        request = await self._upstream.request(call, words, work, credential)
        whole = await self._results.download(request, path)
        return await produced(path, work.brief.modality, self.manifest.form.outputs.type, whole, None)
