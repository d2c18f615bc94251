"""Stored bytes over obstore (disk, S3, GCS, Azure: one code path), and the signed URLs that lead to them."""

from darkroom.assets.link import Links
from darkroom.assets.location import open_assets
from darkroom.assets.obstore_assets import ObstoreAssets
from darkroom.assets.secret import kept_secret

__all__ = ["Links", "ObstoreAssets", "kept_secret", "open_assets"]
