"""The whole ASGI application: dialects first, then the few pages that are nobody's dialect."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from openapi_ui_bundles import swagger_ui
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from darkroom.outside import CALLBACKS
from darkroom.readiness import Readiness
from darkroom.web.body import Receive
from darkroom.web.callbacks import Callbacks
from darkroom.web.media import Media
from darkroom.web.metrics import Metrics
from darkroom.web.respond import Send
from darkroom.web.surveyor import Surveyor
from darkroom.web.switchboard import Scope

DOCS = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Darkroom API</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "/openapi.json", dom_id: "#ui", deepLinking: true})</script>
</body></html>
"""

HOME = """Darkroom is running.

  POST /v1/generations   submit a generation            GET /docs          the API, to read and to try
  GET  /v1/models        what can be generated          GET /openapi.json  the same for machines
  GET  /healthz /readyz  is it alive, is it ready       GET /metrics       for Prometheus
"""


def build_pages(
    *,
    openapi: dict[str, object],
    media: Media,
    callbacks: Callbacks,
    metrics: Metrics,
    surveyor: Surveyor,
    readiness: Callable[[], Awaitable[Readiness]],
    nowhere: Callable[[Scope, Receive, Send], Awaitable[None]],
) -> Starlette:
    async def home(request: Request) -> Response:
        return PlainTextResponse(HOME)

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        found = await readiness()
        lines = ["ready" if found.is_ready else "not ready", *(f"{name}: {how}" for name, how in found.checks.items())]
        return PlainTextResponse("\n".join(lines) + "\n", status_code=200 if found.is_ready else 503)

    async def show_metrics(request: Request) -> Response:
        await surveyor.look()
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    async def show_openapi(request: Request) -> Response:
        return JSONResponse(openapi, headers={"access-control-allow-origin": "*"})

    async def docs(request: Request) -> Response:
        return HTMLResponse(DOCS)

    pages = Starlette(
        routes=[
            Route("/", home),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", show_metrics),
            Route("/openapi.json", show_openapi),
            Route("/docs", docs),
            Mount("/docs", StaticFiles(directory=_swagger_ui())),
            Route("/assets/{key:path}", media.serve),
            Route(CALLBACKS + "{token}", callbacks.take, methods=["POST"]),
        ]
    )
    # Not a route for every path: to a route a line break in a path is no path at all.
    pages.router.default = nowhere
    return pages


def _swagger_ui() -> Path:
    return Path(swagger_ui.static_path)
