"""skills.video's Open Platform, `/api/v1`: a path for each model, results by polling or as a stream. 1 credit is 1."""

from darkroom.dialects.skills.dialect import Skills

__all__ = ["Skills"]
