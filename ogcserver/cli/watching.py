"""The progress of a batch job on the terminal."""

from __future__ import annotations

import asyncio
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ogcserver.cli.client import Client
from ogcserver.errors import JobStateError

_LOOK_S = 0.5


async def watch(client: Client, job_id: str, console: Console) -> list[str]:
    """Shows a bar until the job ends; the addresses of its results.

    Raises:
        JobStateError: the job is no batch job, was stopped, or has failed.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(job_id, total=None, left="")
        while True:
            job = await client.job(job_id)
            if job["mode"] != "batch":
                raise JobStateError(f"job {job_id} is not a batch job: ogcserver jobs batch {job_id} queues it")
            told: dict[str, Any] = job.get("progress", {})
            bar.update(
                task, description=f"{job_id} {job['status']}", completed=told.get("finished", 0),
                total=told.get("total"), left=_left(told.get("seconds_left")),
            )  # fmt: skip
            if job["status"] == "error":
                raise JobStateError(f"job {job_id} has failed: {job.get('error', {}).get('message', '')}")
            if job["status"] == "finished":
                return await client.results(job_id)
            await asyncio.sleep(_LOOK_S)


def _left(seconds: float | None) -> str:
    """Such as ``1:05:09 left``."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} left"
