"""The command line: one thin file a command, which parses, calls and prints."""

from __future__ import annotations


def main() -> None:
    """Entry point of `edge-resnet`."""
    try:
        from edge_resnet import command
        from edge_resnet.cli.app import app
    except KeyboardInterrupt:
        # Ctrl-C while it is still loading; 130 is what a shell expects then.
        raise SystemExit(130) from None
    command.leave(command.run(app))
