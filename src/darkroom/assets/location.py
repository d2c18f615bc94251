"""Where assets are stored: a folder's path, or a bucket's URL. Credentials come from the environment alone."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store, from_url

from darkroom.assets.fault import reason_of
from darkroom.assets.obstore_assets import ObstoreAssets
from darkroom.errors import Misconfigured

if TYPE_CHECKING:
    from obstore.store import RetryConfig

RETRIES: "RetryConfig" = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}
"""Within one call; who must have it stored calls again."""

FORMS = "a folder, s3://bucket/prefix, gs://bucket/prefix or az://account/container/prefix"


def open_assets(location: str) -> ObstoreAssets:
    """Raises `Misconfigured`. Nothing is asked of a bucket yet."""
    if "://" in location:
        return ObstoreAssets(_bucket(location))
    folder = Path(location)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"assets: the folder {folder} cannot be made ({error.strerror})") from None
    return ObstoreAssets(LocalStore(folder, automatic_cleanup=True))


def _bucket(location: str) -> S3Store | GCSStore | AzureStore:
    parts = urlsplit(location)
    if "@" in parts.netloc or parts.query:
        # It would be told to everyone who sees the settings.
        raise Misconfigured("assets: credentials belong in the environment (AWS_ACCESS_KEY_ID, ...), not in the URL")
    try:
        # No client options of ours: they would take the place of the environment's (AWS_ALLOW_HTTP, a proxy).
        store = from_url(location, retry_config=RETRIES)
    except (BaseError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, BaseError) else type(error).__name__
        raise Misconfigured(f"assets: '{location}' is not understood ({reason}); it is {FORMS}") from None
    if not isinstance(store, S3Store | GCSStore | AzureStore):
        raise Misconfigured(f"assets: '{location}' is no place for assets; it is {FORMS}")
    return store
