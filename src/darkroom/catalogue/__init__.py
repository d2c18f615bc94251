"""The catalogue: every model that can be asked for, read from files: the shipped ones, and the operator's own."""

from darkroom.catalogue.index import Catalogue, Unavailable
from darkroom.catalogue.load import SHIPPED, load, load_models
from darkroom.catalogue.media import Kind, MediaInput
from darkroom.catalogue.model import EVERYTHING, Model, Reach, Route
from darkroom.catalogue.price import Price

__all__ = [
    "EVERYTHING",
    "SHIPPED",
    "Catalogue",
    "Kind",
    "MediaInput",
    "Model",
    "Price",
    "Reach",
    "Route",
    "Unavailable",
    "load",
    "load_models",
]
