"""The commands of ``ogcserver``."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress

from ogcserver.cli import local, serving, watching
from ogcserver.cli.client import Client
from ogcserver.cli.failures import CommandGroup
from ogcserver.cli.graph_files import example_graphs, read_graph
from ogcserver.cli.seeding import seed
from ogcserver.cli.wiring import Parts, Wiring, installed
from ogcserver.geo.grid import Bounds
from ogcserver.settings import Settings

T = TypeVar("T")
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_TOKEN = "ogcserver.token"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _config_option() -> Decorator:
    return click.option("--config", type=_FILE, help="Settings file (TOML).")


def _url_option() -> Decorator:
    """``--url``, and ``--token`` for :func:`_with_client`."""
    url = click.option(
        "--url", default="http://127.0.0.1:8080", show_default=True, envvar="OGCSERVER_URL", help="Of the server."
    )
    token = click.option(
        "--token", envvar="OGCSERVER_TOKEN", help="Of a user; ogcserver login prints one.", expose_value=False,
        callback=lambda context, _, value: context.meta.update({_TOKEN: value or ""}),
    )  # fmt: skip
    return lambda command: url(token(command))


def _address_options(command: Callable[..., Any]) -> Callable[..., Any]:
    port = click.option("--port", type=click.IntRange(1, 65535), help="Port to listen at.")
    return click.option("--host", help="Address to listen at.")(port(command))


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show where a failure comes from.")
@click.version_option(package_name="ogcserver")
def main(debug: bool) -> None:
    """Turns process graphs into maps and coverages on demand."""
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


@main.command()
@_address_options
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), default=Path("demo-data"), show_default=True
)
@click.pass_obj
def demo(wiring: Wiring | None, host: str | None, port: int | None, data_dir: Path) -> None:
    """Write a sample archive once, register the example graphs, and serve them."""
    settings = _settings(None, host, port)
    serving.check_port(settings.server.host, settings.server.port)
    from ogcserver.demo.archive import write_archive

    catalog = write_archive(data_dir / "archive", progress=True)
    app = (wiring or installed()).create_app(serving.demo_settings(settings, data_dir, catalog))
    with suppress(KeyboardInterrupt):
        asyncio.run(serving.serve_demo(app, settings.server.host, settings.server.port, example_graphs()))


@main.command()
@_config_option()
@_address_options
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Server processes.")
@click.pass_obj
def serve(wiring: Wiring | None, config: Path | None, host: str | None, port: int | None, workers: int) -> None:
    """Serve the catalogues and jobs that the settings name."""
    serving.serve(wiring or installed(), _settings(config, host, port), config, workers)


@main.command()
@click.option("--user", help="Identifier, as registering answered it. Default: register a new user.")
@click.option("--password", prompt=True, hide_input=True, envvar="OGCSERVER_PASSWORD")
@_url_option()
def login(user: str | None, password: str, url: str) -> None:
    """Print a token for OGCSERVER_TOKEN; without --user, register first and print the new user, too."""
    if user is not None:
        click.echo(_with_client(url, lambda client: client.login(user, password)))
        return
    user_id, token = _with_client(url, lambda client: client.register(password))
    click.echo(f"{user_id}\n{token}")


main.add_command(seed)


@main.group()
def jobs() -> None:
    """Jobs of a running server."""


@jobs.command("add")
@click.argument("graph", type=_FILE)
@click.option("--title", help="Default: the one in the file, or the file's name.")
@click.option("--on-demand/--no-on-demand", default=True, show_default=True, help="Start on-demand mode.")
@click.option("--service", "services", multiple=True, help="Add a service of this type; may be repeated.")
@_url_option()
def add_job(graph: Path, title: str | None, on_demand: bool, services: tuple[str, ...], url: str) -> None:
    """Save the process graph of a file as a job."""
    read = read_graph(graph)
    body = read.job() | ({"title": title} if title else {})

    async def add(client: Client) -> None:
        job_id = await client.add_job(body)
        click.echo(job_id)
        if on_demand:
            await client.start(job_id)
        for kind in services:
            click.echo(await client.add_service(job_id, kind, read.service_args))

    _with_client(url, add)


@jobs.command("list")
@_url_option()
def list_jobs(url: str) -> None:
    """List all jobs."""
    columns = "{:20} {:10} {:10} {:27} {}"
    click.echo(columns.format("job", "mode", "status", "updated", "title"))
    for job in _with_client(url, lambda client: client.jobs()):
        click.echo(columns.format(job["job_id"], job["mode"], job["status"], job["updated"], job.get("title", "")))


@jobs.command("show")
@click.argument("job_id")
@_url_option()
def show_job(job_id: str, url: str) -> None:
    """Print a job as JSON."""
    click.echo(json.dumps(_with_client(url, lambda client: client.job(job_id)), indent=2))


@jobs.command("batch")
@click.argument("job_id")
@_url_option()
def queue_batch(job_id: str, url: str) -> None:
    """Queue a job as a batch, whose result is kept as a file."""
    _with_client(url, lambda client: client.queue(job_id))


@jobs.command("watch")
@click.argument("job_id")
@_url_option()
def watch_job(job_id: str, url: str) -> None:
    """Show the progress of a batch job until it ends; then print where its result is."""
    for link in _with_client(url, lambda client: watching.watch(client, job_id, Console(stderr=True))):
        click.echo(link)


@jobs.command("rm")
@click.argument("job_id")
@_url_option()
def remove_job(job_id: str, url: str) -> None:
    """Delete a job and its services."""
    _with_client(url, lambda client: client.remove_job(job_id))


@main.command()
@click.argument("graph", type=_FILE)
@click.option("--bbox", help="xmin,ymin,xmax,ymax in units of --crs. Default: the whole result.")
@click.option("--crs", default="", help="Such as EPSG:3857. Default: that of the result.")
@click.option("--size", help="Width and height in pixels: W,H.")
@click.option("--analyze", is_flag=True, help="Compute it, and show the time of each node and the bytes read.")
@_config_option()
@click.pass_obj
def explain(
    wiring: Wiring | None, graph: Path, bbox: str | None, crs: str, size: str | None, analyze: bool,
    config: Path | None,
) -> None:  # fmt: skip
    """Show what would be read and computed for a window of a graph's result."""
    window = None
    if bbox is not None:
        width, height = _numbers(size or "256,256", 2, "--size")
        window = local.Window(_bounds(bbox), crs, (int(width), int(height)))
    read = read_graph(graph)
    click.echo(_with_parts(wiring, config, lambda parts: local.explain(parts, read, window, analyze)), nl=False)


@main.command()
@click.argument("graph", type=_FILE)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write.")
@click.option("--format", "format_name", default="", help="Default: by the graph's output, or the file's name.")
@_config_option()
@click.pass_obj
def run(wiring: Wiring | None, graph: Path, out: Path, format_name: str, config: Path | None) -> None:
    """Compute a graph's whole result into a file."""
    read = read_graph(graph)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Computing {out.name}", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        size = _with_parts(wiring, config, lambda parts: local.run(parts, read, out, format_name, show))
    click.echo(f"{out}: {size:,} bytes")


def _settings(config: Path | None, host: str | None = None, port: int | None = None) -> Settings:
    settings = Settings.load(config, os.environ)
    server = settings.server
    return replace(settings, server=replace(server, host=host or server.host, port=port or server.port))


def _with_client(url: str, call: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
    token: str = click.get_current_context().meta[_TOKEN]

    async def talk() -> T:
        async with Client.of(url, token) as client:
            return await call(client)

    return asyncio.run(talk())


def _with_parts(wiring: Wiring | None, config: Path | None, call: Callable[[Parts], Coroutine[Any, Any, T]]) -> T:
    parts = (wiring or installed()).open_parts(_settings(config))
    try:
        return asyncio.run(call(parts))
    finally:
        parts.close()


def _numbers(text: str, count: int, option: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count:
        raise click.BadParameter(f"{option} must be {count} numbers with commas between them, not {text!r}")
    return numbers


def _bounds(text: str) -> Bounds:
    xmin, ymin, xmax, ymax = _numbers(text, 4, "--bbox")
    return xmin, ymin, xmax, ymax
