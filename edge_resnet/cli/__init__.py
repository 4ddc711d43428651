"""The command line: one thin file a command, which parses, calls and prints."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of `edge-resnet`."""
    from edge_resnet import command, environment
    from edge_resnet.cli.app import app
    from edge_resnet.errors import UserError

    try:
        environment.check()
    except UserError as error:
        command.say(f"edge-resnet: {error}")
        sys.exit(command.Exit.USER_MISTAKE)
    sys.exit(command.run(app))
