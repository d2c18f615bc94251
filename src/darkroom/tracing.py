"""Spans for OpenTelemetry (the extra `otel`): a trace for each generation, whichever processes it goes through."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from darkroom.errors import Misconfigured


class Tracer(Protocol):
    @contextmanager
    def span(self, name: str, *, generation: str, **about: str | int) -> Iterator[None]:
        """What goes on inside it, for that generation."""
        ...

    def close(self) -> None:
        """Send off what has not been sent yet. It waits for the collector."""
        ...


class OtelTracer:
    """Sends to the collector that the standard variables name (`OTEL_EXPORTER_OTLP_ENDPOINT` and its kin)."""

    def __init__(self) -> None:
        """Raises `Misconfigured` where the extra is not installed."""
        try:
            from opentelemetry import trace
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError:
            raise Misconfigured("tracing needs OpenTelemetry: pip install 'darkroom-server[otel]'") from None
        self._trace = trace
        self._provider = TracerProvider(resource=Resource.create({"service.name": "darkroom"}))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("darkroom")

    @contextmanager
    def span(self, name: str, *, generation: str, **about: str | int) -> Iterator[None]:
        trace = self._trace
        context = None
        if not trace.get_current_span().get_span_context().is_valid:
            # The trace's id is the generation's: submit and attempts meet with nothing carried between them.
            number = UUID(generation).int
            begun = trace.SpanContext(number, number & (2**64 - 1), is_remote=True, trace_flags=trace.TraceFlags(1))
            context = trace.set_span_in_context(trace.NonRecordingSpan(begun))
        attributes = {"darkroom.generation": generation, **{f"darkroom.{key}": value for key, value in about.items()}}
        with self._tracer.start_as_current_span(name, context=context, attributes=attributes):
            yield

    def close(self) -> None:
        self._provider.shutdown()
