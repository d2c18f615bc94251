"""Darkroom: self-hosted asynchronous media generation with exact credits."""

__version__ = "0.1.0"
