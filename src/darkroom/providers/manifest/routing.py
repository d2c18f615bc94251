"""Which of a manifest's routes a model takes, and what the upstream calls it."""

from darkroom.providers.manifest.form import Form, RouteForm

REST = "*"


def routes_of(form: Form, slug: str) -> list[RouteForm]:
    """The routes that name the model, before the first whose pattern it fits. They are several where the upstream has
    doors of their own for words and for pictures."""
    named = [route for route in form.routes if slug in route.models]
    return named or [route for route in form.routes if any(fits(pattern, slug) for pattern in route.models)][:1]


def route_of(form: Form, slug: str, upstream: str) -> RouteForm | None:
    """The model's route that leads to this name for it, or its first."""
    routes = routes_of(form, slug)
    return next((route for route in routes if upstream_of(route, slug) == upstream), next(iter(routes), None))


def fits(pattern: str, slug: str) -> bool:
    return pattern.endswith(REST) and slug.startswith(pattern.removesuffix(REST))


def upstream_of(route: RouteForm, slug: str) -> str:
    """The upstream's name for a model that this route is for."""
    if slug in route.models:
        return route.upstream.replace(REST, slug)
    pattern = next(pattern for pattern in route.models if fits(pattern, slug))
    return route.upstream.replace(REST, slug.removeprefix(pattern.removesuffix(REST)))
