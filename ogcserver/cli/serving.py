"""Servers: one with the user's settings, and the demo, which fills itself with the example graphs."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import uvicorn
from starlette.types import ASGIApp

from ogcserver.cli.allocator import keep_freed_memory
from ogcserver.cli.client import Client
from ogcserver.cli.graph_files import GraphFile
from ogcserver.cli.logs import log_config
from ogcserver.cli.wiring import CONFIG_VARIABLE, Wiring
from ogcserver.errors import ServiceError
from ogcserver.settings import Catalog, Server, Settings

SERVICE_TYPES = ("wmts", "wcs")
_FACTORY = "ogcserver.cli.wiring:app_from_environment"


@dataclass(frozen=True)
class Registered:
    """An example graph on a running server."""

    title: str
    job_id: str
    services: dict[str, str]
    """Address by type."""


def check_port(host: str, port: int) -> None:
    """
    Raises:
        ServiceError: nobody can listen there, most often because somebody does.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServiceError(f"cannot listen at {host}:{port}: {error.strerror}; try another --port") from error


def serve(wiring: Wiring, settings: Settings, config: Path | None, workers: int) -> None:
    """Serves until stopped. Several workers are processes that read the settings anew."""
    host, port = settings.server.host, settings.server.port
    check_port(host, port)
    if workers == 1:
        keep_freed_memory()
        uvicorn.run(wiring.create_app(settings), host=host, port=port, log_config=log_config())
        return
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config.absolute())
    uvicorn.run(_FACTORY, factory=True, host=host, port=port, workers=workers, log_config=log_config())


def demo_settings(base: Settings, data_dir: Path, catalog: Path) -> Settings:
    """Settings of the demo: its own data, and no other catalogue."""
    server = Server(base.server.host, base.server.port, data_dir, base.server.public_url)
    return replace(base, server=server, catalogs=(Catalog(str(catalog)),))


async def serve_demo(app: ASGIApp, host: str, port: int, graphs: tuple[GraphFile, ...]) -> None:
    """Serves, and registers the graphs as soon as the server is up; says what there is to see."""
    keep_freed_memory()
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning", log_config=log_config()))
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.05)
        if not serving.done():
            url = f"http://{host}:{port}"
            async with Client(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=url)) as client:
                print(guide(url, await register(client, graphs)), flush=True)
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


async def register(client: Client, graphs: tuple[GraphFile, ...]) -> list[Registered]:
    """Every graph as an on-demand job with services; what is there already, by title, stays as it is."""
    jobs = {job.get("title", ""): job["job_id"] for job in await client.jobs()}
    services = await client.services()
    found = []
    for graph in graphs:
        job_id = jobs.get(graph.title)
        if job_id is None:
            job_id = await client.add_job(graph.job())
            await client.start(job_id)
        addresses = {one["service_type"]: one["service_url"] for one in services if one["job_id"] == job_id}
        if graph.title not in jobs:
            for kind in SERVICE_TYPES:
                addresses[kind] = await client.add_service(job_id, kind, graph.service_args)
        found.append(Registered(graph.title, job_id, addresses))
    return found


def guide(url: str, jobs: list[Registered]) -> str:
    """What to open, and what to paste into QGIS."""
    lines = [
        "",
        f"ogcserver runs at {url}  (Ctrl+C stops it)",
        "",
        f"  In a browser        {url}/map",
        f"  In QGIS, WMS/WMTS   {url}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities",
        f"  In QGIS, WCS        {url}/wcs",
        f"  WMS                 {url}/wms?SERVICE=WMS&REQUEST=GetCapabilities",
        f"  OGC API             {url}/ogc",
        "",
        "Each job on its own:",
    ]
    for job in jobs:
        lines.append(f"  {job.title}  ({job.job_id})")
        lines += [f"    {kind:5} {address}" for kind, address in sorted(job.services.items())]
    return "\n".join(lines) + "\n"
