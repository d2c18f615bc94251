"""Which of a manifest's routes a model takes, and what the upstream calls it."""

from darkroom.providers.manifest.form import Form, RouteForm

REST = "*"


def route_of(form: Form, slug: str) -> RouteForm | None:
    """The route that names the model, before one whose pattern it fits."""
    named = next((route for route in form.routes if slug in route.models), None)
    return named or next((route for route in form.routes if any(fits(pattern, slug) for pattern in route.models)), None)


def fits(pattern: str, slug: str) -> bool:
    return pattern.endswith(REST) and slug.startswith(pattern.removesuffix(REST))


def upstream_of(route: RouteForm, slug: str) -> str:
    """The upstream's name for a model that this route is for."""
    if slug in route.models:
        return route.upstream.replace(REST, slug)
    pattern = next(pattern for pattern in route.models if fits(pattern, slug))
    return route.upstream.replace(REST, slug.removeprefix(pattern.removesuffix(REST)))
