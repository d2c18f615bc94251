"""The wire formats that are served, each a file; `native` is the one to read first."""

from collections.abc import Sequence

from darkroom.dialects.aimlapi import Aimlapi
from darkroom.dialects.elumenta import Elumenta
from darkroom.dialects.native import Native
from darkroom.dialects.skills import Skills
from darkroom.dialects.vivix import Vivix
from darkroom.wire import Dialect

DIALECTS: Sequence[Dialect] = (Native(), Elumenta(), Aimlapi(), Vivix(), Skills())
