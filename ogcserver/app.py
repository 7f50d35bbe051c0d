"""The wiring: settings in, an ASGI application out. Nothing else knows all the parts."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute

from ogcserver.batch.service import Batches
from ogcserver.cors import Cors
from ogcserver.crew import open_batches
from ogcserver.encode.formats import formats
from ogcserver.engine.exports import Exports
from ogcserver.engine.scratch import Scratch
from ogcserver.engine.service import Engine
from ogcserver.engine.warm import warm
from ogcserver.errors import RequestError
from ogcserver.geo.matrix_sets import parse_matrix_set, standard_sets
from ogcserver.geo.tiles import MatrixSet
from ogcserver.hangup import CancelOnHangup
from ogcserver.jobs.catalogue import Catalogue
from ogcserver.maps.picture import MEDIA_TYPES
from ogcserver.maps.remembered import Remembered
from ogcserver.maps.tiles import TileRules
from ogcserver.ogcapi.api import OgcApi
from ogcserver.openeo.api import OpenEoApi
from ogcserver.openeo.backend import Backend, Link
from ogcserver.openeo.errors import exception_handlers
from ogcserver.parts import Parts, open_parts
from ogcserver.people import People, open_people, write_down
from ogcserver.settings import Settings, SettingsError
from ogcserver.tms.api import TmsApi
from ogcserver.users.accounts import NoUsers
from ogcserver.wcs.api import WcsApi
from ogcserver.web.api import MapPage
from ogcserver.wms.api import WmsApi
from ogcserver.wmts.api import WmtsApi
from ogcserver.xyz.api import XyzApi

SERVICE_TYPES = ("wcs", "wmts", "wms", "xyz", "tms")


def _matrix_sets(settings: Settings) -> dict[str, MatrixSet]:
    """The sets of the registry and those of the settings' files.

    Raises:
        SettingsError: a file cannot be read, is no definition of a set, or names one that there is already.
    """
    sets = standard_sets()
    for one in settings.tile_matrix_sets:
        try:
            found = parse_matrix_set(one.file.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{one.file}: cannot be read: {error.strerror}") from error
        except (RequestError, UnicodeDecodeError) as error:
            raise SettingsError(f"{one.file}: {error}") from error
        if found.id in sets:
            raise SettingsError(f"{one.file}: there is a tile matrix set {found.id} already")
        sets[found.id] = found
    return sets


def create_app(settings: Settings) -> Starlette:
    """The server. May be called more than once in a process; each application has parts of its own."""
    parts = open_parts(settings)
    engine, public_url = parts.engine, settings.server.public_url
    people = open_people(settings, parts.store.database, parts.files)
    engine.on_computed = people.usage.count
    layers = Catalogue(parts.store, parts.compiler, engine.describe, claim=people.usage.claim)
    identification = settings.service
    exports = _exports(settings, engine)
    limits = settings.limits
    wcs = WcsApi(
        exports, layers, identification, public_url, limits.max_pixels, limits.max_body_kb << 10, engine.scenes
    )
    sets, rules = _matrix_sets(settings), _tile_rules(settings)
    wms = WmsApi(engine, layers, identification, public_url, rules.max_age)
    wmts = WmtsApi(engine, layers, identification, sets, public_url, rules)
    ogcapi = OgcApi(engine, exports, layers, identification, sets, public_url, rules, settings.limits.max_pixels)
    batches = open_batches(settings, parts.store, people.usage.charge)
    openeo = OpenEoApi(_backend(parts, exports, layers, people, batches, public_url)).app()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        threading.Thread(target=warm, name="warm", daemon=True).start()
        threading.Thread(target=lambda: parts.udfs.capability, name="udfs", daemon=True).start()
        writing = asyncio.create_task(write_down(people.usage))
        await asyncio.to_thread(batches.start)
        yield
        await asyncio.to_thread(batches.close)
        writing.cancel()
        await people.close()
        exports.close()
        parts.close()

    return Starlette(
        routes=[
            *wcs.routes(),
            *wms.routes(),
            *wmts.routes(),
            *XyzApi(engine, layers, sets, public_url=public_url, rules=rules).routes(),
            *TmsApi(engine, layers, sets, identification.title, public_url, rules).routes(),
            *ogcapi.routes(),
            *MapPage(layers).routes(),
            Route("/{path:path}", openeo),
            WebSocketRoute("/{path:path}", openeo),
        ],
        middleware=[
            Middleware(Cors),
            *people.middleware(),
            *_remembered(settings, parts),
            Middleware(CancelOnHangup),
        ],
        exception_handlers=exception_handlers(),  # of what no protocol answers for
        lifespan=lifespan,
    )


def _remembered(settings: Settings, parts: Parts) -> list[Middleware]:
    """Nothing where each look at the database takes a round trip."""
    if not parts.store.revision_is_cheap:
        return []
    size = settings.cache.response_mb << 20
    return [Middleware(Remembered, parts.store.revision, parts.engine.versions, size)]


def _exports(settings: Settings, engine: Engine) -> Exports:
    scratch = Scratch(settings.server.data_dir.absolute() / "tmp")
    scratch.clean()
    return Exports(engine, scratch, settings.limits.stream_mb << 20, settings.limits.stream_timeout_s)


def _tile_rules(settings: Settings) -> TileRules:
    """
    Raises:
        SettingsError: a format that pictures do not have.
    """
    by_extension = {extension: media_type for media_type, extension in MEDIA_TYPES.items()}
    wanted = settings.tiles.formats
    if not wanted or not all(name in by_extension for name in wanted):
        raise SettingsError(f"[tiles] formats must be some of {', '.join(by_extension)}, not {list(wanted)}")
    return TileRules(**{**vars(settings.tiles), "formats": tuple(by_extension[name] for name in wanted)})


def _backend(
    parts: Parts, exports: Exports, layers: Catalogue, people: People, batches: Batches, public_url: str
) -> Backend:
    return Backend(
        parts.store,
        parts.compiler,
        layers.compiled,
        parts.engine,
        exports,
        parts.catalogs,
        parts.compiler.processes,
        formats(),
        parts.compiler.limits,
        SERVICE_TYPES,
        people.users,
        people.files,
        people.usage,
        batches,
        (
            Link("Map of all on-demand jobs", "/map", "text/html"),
            Link("OGC API with all on-demand jobs", "/ogc", "application/json"),
            Link("WMTS of all on-demand jobs", "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"),
            Link("WMS of all on-demand jobs", "/wms?SERVICE=WMS&REQUEST=GetCapabilities"),
            Link("WCS of all on-demand jobs", "/wcs?SERVICE=WCS&REQUEST=GetCapabilities"),
        ),
        public_url,
        services_public=isinstance(people.users, NoUsers),
        udfs=parts.udfs,
    )
