"""The providers of an installation: a folder of manifests, and the models that they run."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from darkroom.catalogue import Catalogue, Model, Reach, Route, load_models
from darkroom.catalogue.fault import line_of
from darkroom.clock import Clock
from darkroom.errors import ManifestError, UnknownModel
from darkroom.generation import Generation
from darkroom.guarded import GuardedClient
from darkroom.ports import Provider
from darkroom.providers.client import UpstreamClient, Watch
from darkroom.providers.credentials import Credential
from darkroom.providers.manifest.compiled import Manifest
from darkroom.providers.manifest.form import CredentialForm, RouteForm
from darkroom.providers.manifest.provider import ManifestProvider
from darkroom.providers.manifest.reading import read
from darkroom.providers.manifest.routing import REST, routes_of, upstream_of

BUILT_IN = ("sketch",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """Files and manifests by the provider's name, in the order of the files; `models` are new ones that they
    describe."""

    files: Mapping[str, Path]
    manifests: Mapping[str, Manifest]
    models: tuple[Model, ...]

    def join(self, catalogue: Catalogue) -> Catalogue:
        """The catalogue with the models and routes of these providers; raises `ManifestError`."""
        try:
            return catalogue.joined(self.models, self.routes(catalogue))
        except UnknownModel as error:
            file = next(self.files[name] for name in self.manifests if error.model in self._named(name))
            line = line_of(file.read_text("utf-8"), ("routes", error.model))
            raise ManifestError(str(file), line, str(error)) from None

    def routes(self, catalogue: Catalogue) -> dict[str, tuple[Route, ...]]:
        """By slug. A pattern is about the catalogue's models: those that a file describes have their own route, which
        stays the first beside those that other files have for them."""
        routes: dict[str, tuple[Route, ...]] = {}
        known = [model.slug for model in catalogue]
        for name, manifest in self.manifests.items():
            for slug in dict.fromkeys((*known, *self._named(name))):
                for route in routes_of(manifest.form, slug):
                    routes[slug] = (*routes.get(slug, ()), _route(name, route, slug))
        for model in self.models:
            if model.slug in routes:
                others = {route.provider for route in routes[model.slug]}
                own = [route for route in model.routes if route.provider not in others]
                routes[model.slug] = (*own, *routes[model.slug])
        return routes

    def _named(self, name: str) -> list[str]:
        return [slug for route in self.manifests[name].form.routes for slug in route.models if not slug.endswith(REST)]


def read_folder(folder: Path) -> Configured:
    """Every `*.toml` of a folder is a provider; none where there is no such folder. Raises `ManifestError`."""
    return read_files(sorted(folder.glob("*.toml")))


def read_files(files: Iterable[Path]) -> Configured:
    """Raises `ManifestError`."""
    manifests: dict[str, Manifest] = {}
    sources: dict[str, Path] = {}
    models: list[Model] = []
    for file in files:
        manifest = read(file)
        if manifest.name in manifests:
            raise ManifestError(str(file), 1, f"there is another provider '{manifest.name}' in this folder")
        if manifest.name in BUILT_IN:
            raise ManifestError(str(file), 1, f"'{manifest.name}' is the name of a provider that is built in")
        manifests[manifest.name] = manifest
        sources[manifest.name] = file
        if manifest.form.models:
            models += load_models(file, provider=manifest.name)
    return Configured(files=sources, manifests=manifests, models=tuple(models))


def make(
    manifest: Manifest, *, guarded: GuardedClient, clock: Clock, watch: Watch = lambda exchange: None
) -> ManifestProvider:
    limits = manifest.form.limits
    return ManifestProvider(
        manifest,
        credentials={
            form.name: Credential(form, slots=limits.slots, rate=limits.requests_per_second)
            for form in credentials_of(manifest)
        },
        client=UpstreamClient(connect_s=limits.connect_s, answer_bytes=limits.answer_bytes, watch=watch),
        guarded=guarded,
        clock=clock,
    )


def credentials_of(manifest: Manifest) -> tuple[CredentialForm, ...]:
    """Those of the file, or the one in the upstream's usual variable."""
    if manifest.form.credentials or manifest.form.auth.kind == "none":
        return manifest.form.credentials or (CredentialForm(name="none"),)
    return (CredentialForm(environment=manifest.form.auth.environment),)


def _route(provider: str, route: RouteForm, slug: str) -> Route:
    return Route(
        provider=provider,
        upstream=upstream_of(route, slug),
        weight=route.weight,
        reach=Reach(
            tasks=route.tasks,
            durations_s=route.durations_s,
            longest_s=route.longest_s,
            aspect_ratios=route.aspect_ratios,
            resolutions=route.resolutions,
        ),
    )


def _credentials(providers: Mapping[str, Provider]) -> Iterator[tuple[tuple[str, str], Credential]]:
    """Every credential, with the names of its provider and its own."""
    for provider in providers.values():
        if isinstance(provider, ManifestProvider):
            for name, credential in provider.credentials.items():
                yield (provider.name, name), credential


def tell_budgets(providers: Mapping[str, Provider], billed: Mapping[tuple[str, str], int]) -> None:
    """What each credential has cost this month, in millionths of a US dollar, at all processes together."""
    for names, credential in _credentials(providers):
        credential.spent_usd = billed.get(names, 0) / 1e6


def share_limits(providers: Mapping[str, Provider], workers: int, held: Mapping[tuple[str, str], int]) -> None:
    """How many workers there are, this one included, and what the others hold of each credential."""
    for names, credential in _credentials(providers):
        credential.elsewhere = held.get(names, 0)
        credential.pacer.workers = max(workers, 1)


def let_go(providers: Mapping[str, Provider], generation: Generation) -> None:
    """One that has ended takes no place at an upstream any more: of a lost answer, and of work that could not be called
    off, nobody would ever tell that it is over there."""
    if not generation.is_terminal:
        return
    for _, credential in _credentials(providers):
        credential.running.discard(generation.id)
