"""The providers of an installation: a folder of manifests, and the models that they run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from darkroom.catalogue import Catalogue, Model, Reach, Route, load_models
from darkroom.catalogue.fault import line_of
from darkroom.clock import Clock
from darkroom.errors import ManifestError, UnknownModel
from darkroom.guarded import GuardedClient
from darkroom.providers.client import UpstreamClient, Watch
from darkroom.providers.credentials import Credential
from darkroom.providers.manifest.compiled import Manifest
from darkroom.providers.manifest.form import CredentialForm
from darkroom.providers.manifest.provider import ManifestProvider
from darkroom.providers.manifest.reading import read

BUILT_IN = ("sketch",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """`models` are new ones that the files describe, `routes` those of the catalogue's models, by slug."""

    files: Mapping[str, Path]
    manifests: Mapping[str, Manifest]
    models: tuple[Model, ...]
    routes: Mapping[str, tuple[Route, ...]]

    def join(self, catalogue: Catalogue) -> Catalogue:
        """The catalogue with the models and routes of these providers; raises `ManifestError`."""
        try:
            return catalogue.joined(self.models, self.routes)
        except UnknownModel as error:
            name = next(route.provider for route in self.routes[error.model])
            file = self.files[name]
            line = line_of(file.read_text("utf-8"), ("routes", error.model))
            raise ManifestError(str(file), line, str(error)) from None


def read_folder(folder: Path) -> Configured:
    """Every `*.toml` of a folder is a provider; none where there is no such folder. Raises `ManifestError`."""
    return read_files(sorted(folder.glob("*.toml")))


def read_files(files: Iterable[Path]) -> Configured:
    """Raises `ManifestError`."""
    manifests: dict[str, Manifest] = {}
    sources: dict[str, Path] = {}
    models: list[Model] = []
    routes: dict[str, tuple[Route, ...]] = {}
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
        for slug, route in _routes(manifest):
            routes[slug] = (*routes.get(slug, ()), route)
    return Configured(files=sources, manifests=manifests, models=tuple(models), routes=routes)


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


def _routes(manifest: Manifest) -> list[tuple[str, Route]]:
    return [
        (
            slug,
            Route(
                provider=manifest.name,
                upstream=route.upstream,
                weight=route.weight,
                reach=Reach(
                    tasks=route.tasks,
                    durations_s=route.durations_s,
                    longest_s=route.longest_s,
                    aspect_ratios=route.aspect_ratios,
                    resolutions=route.resolutions,
                ),
            ),
        )
        for route in manifest.form.routes
        for slug in route.models
    ]
