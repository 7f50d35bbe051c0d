"""Failures on the command line: one clear line on standard error and an exit status, never a traceback."""

from __future__ import annotations

from typing import Any

import click
import httpx
from sqlalchemy.exc import SQLAlchemyError

from ogcserver.errors import OgcServerError


class CommandGroup(click.Group):
    """A group whose commands report failures in one line; ``--debug`` before the command shows where they come from."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, KeyboardInterrupt):
            raise
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            raise click.ClickException(describe(error)) from error


def describe(error: Exception) -> str:
    """What went wrong, in one line for people."""
    if isinstance(error, OgcServerError):
        return f"{error.locator}: {error.message}" if error.locator else error.message
    if isinstance(error, httpx.TransportError):
        return f"the server does not answer: {error}"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    if isinstance(error, SQLAlchemyError):
        return f"the database cannot be used: {str(error).splitlines()[0]}"
    return f"internal error: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}; try --debug"
