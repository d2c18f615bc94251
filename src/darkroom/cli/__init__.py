"""The command line: `darkroom --help` teaches it."""

import sys

from rich.text import Text

from darkroom.cli import backing, costing, keeping, making, providing, serving, shelving, tried, upkeep, webhooks
from darkroom.cli.app import app
from darkroom.cli.show import errors
from darkroom.errors import DarkroomError

__all__ = [
    "backing",
    "costing",
    "keeping",
    "main",
    "making",
    "providing",
    "serving",
    "shelving",
    "tried",
    "upkeep",
    "webhooks",
]


def main() -> None:
    """Run a command; what a person can mend is told in a line, without a traceback."""
    try:
        app()
    except DarkroomError as error:
        errors.print(Text("darkroom:", "red"), error, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
