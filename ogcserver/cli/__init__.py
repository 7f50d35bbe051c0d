"""The command line."""

from ogcserver.cli.commands import main

__all__ = ["main"]
