"""The command line: one thin file a command, which parses, calls and prints."""

from __future__ import annotations


def main() -> None:
    """Entry point of `edge-resnet`."""
    from edge_resnet import command
    from edge_resnet.cli.app import app

    command.leave(command.run(app))
