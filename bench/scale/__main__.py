"""`python -m bench.scale` prints the tables of docs/scale.md; with `--pictures` it draws its pictures as well."""

import sys

from bench.scale import pictures, tables
from bench.scale.figures import BENCHMARKS, measured
from bench.scale.simulation import Callers

PICTURES = BENCHMARKS.parent / "pictures"

found, callers = measured(BENCHMARKS.read_text("utf-8")), Callers()
for line in [*tables.sources(found), "", *tables.steps(found, callers), "", *tables.full(found, callers)]:
    print(line)
if "--pictures" in sys.argv:
    (PICTURES / "scale-limits.svg").write_text(pictures.limits_picture(found, callers), "utf-8")
    (PICTURES / "scale-loads.svg").write_text(pictures.loads_picture(found, callers), "utf-8")
    (PICTURES / "scale-growth.svg").write_text(pictures.growth_picture(found, callers), "utf-8")
