"""`make bench`: every figure that the documents claim, measured here and now."""

import os
import platform

from bench import across, carried, idle, large, notes, peers, reads, restart, submits, turns, waits, webhooks

print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; medians, one core each")
for part in (reads, submits, turns, waits, idle, large, webhooks, across, carried, restart, notes, peers):
    for line in part.run():
        print(line, flush=True)
