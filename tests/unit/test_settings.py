"""Settings from files and the environment."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from ogcserver.settings import Catalog, Settings, SettingsError

CONFIG = Path(__file__).parents[2] / "config"


def load(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "my.toml"
    path.write_text(text)
    return Settings.load(path, environ)


def test_without_a_file_there_are_defaults() -> None:
    settings = Settings.load(None, {})
    assert settings == Settings()
    assert (settings.server.host, settings.server.port, settings.limits.timeout_s) == ("127.0.0.1", 8080, 60)
    assert settings.database_url == f"sqlite:///{Path.cwd()}/data/ogcserver.db"


def test_values_of_the_file_and_then_of_the_environment_count(tmp_path: Path) -> None:
    text = '[server]\nport = 1234\nhost = "0.0.0.0"\n[limits]\ntimeout_s = 5\n[sources]\non_error = "fail"'
    settings = load(tmp_path, text, OGCSERVER_SERVER_PORT="99", OGCSERVER_CACHE_RESPONSE_MB="1_000", PATH="/bin")
    assert (settings.server.port, settings.server.host) == (99, "0.0.0.0")
    assert (settings.limits.timeout_s, settings.sources.on_error, settings.cache.response_mb) == (5.0, "fail", 1000)
    assert isinstance(settings.limits.timeout_s, float)


def test_paths_are_relative_to_what_names_them(tmp_path: Path) -> None:
    text = '[server]\ndata_dir = "here"\n[[catalogs]]\nstac = "a/catalog.json"\n[[catalogs]]\nstac = "https://x.org/v1"'
    settings = load(tmp_path, text)
    assert settings.server.data_dir == tmp_path / "here"
    assert [catalog.stac for catalog in settings.catalogs] == [str(tmp_path / "a/catalog.json"), "https://x.org/v1"]
    assert load(tmp_path, "").server.data_dir == tmp_path / "data"
    assert load(tmp_path, text, OGCSERVER_SERVER_DATA_DIR="there").server.data_dir == Path("there")


def test_the_environment_may_list_catalogues(tmp_path: Path) -> None:
    settings = load(tmp_path, '[[catalogs]]\nstac = "a"', OGCSERVER_CATALOGS_STAC="b.json, https://x.org")
    assert settings.catalogs == (Catalog("b.json"), Catalog("https://x.org"))


def test_lists_of_texts(tmp_path: Path) -> None:
    settings = load(tmp_path, '[graphs]\nhosts = ["a.org", "b.org:8000"]', OGCSERVER_FILES_ENDINGS=".py, .json")
    assert (settings.graphs.hosts, settings.files.endings) == (("a.org", "b.org:8000"), (".py", ".json"))


def test_a_database_may_be_named(tmp_path: Path) -> None:
    assert load(tmp_path, '[server]\ndatabase = "postgresql://a/b"').database_url == "postgresql://a/b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server", "is not TOML"),
        ("[servers]\nport = 1", "unknown key servers"),
        ("[server]\nprot = 1", "unknown key prot"),
        ('[server]\nport = "8080"', "[server] port must be a whole number, not '8080'"),
        ("[server]\nport = true", "port must be a whole number"),
        ("[server]\nport = 70000", "port must be at least 1 and at most 65535"),
        ("[server]\nhost = 1", "host must be a text"),
        ("[limits]\ntimeout_s = nan", "timeout_s must be at least 0.1"),
        ("[limits]\nmax_graph_depth = 1000", "max_graph_depth must be at least 1 and at most 250"),
        ('[auth]\nmode = "none"', "mode must be one of open, basic, oidc"),
        ('[auth]\nmode = "oidc"\nissuer = "https://id.example.org"', "[auth] mode oidc needs issuer and audience"),
        ('[graphs]\nhosts = "a.org"', "[graphs] hosts must be a list of texts"),
        ("[files]\nendings = [1]", "[files] endings must be a list of texts"),
        ('[sources]\non_error = "ignore"', "on_error must be one of skip, fail"),
        ("server = 1", "[server] must be a table"),
        ('catalogs = "a"', "catalogs must be written as [[catalogs]]"),
        ("[[catalogs]]", "[[catalogs]] number 1 needs stac"),
        ('[[catalogs]]\nstac = "a"\n[[catalogs]]\nstac = "b"\nkind = 1', "number 2: unknown key kind"),
        ('[[catalogs]]\nstac = "a"\napply_scale = "yes"', "apply_scale must be true or false"),
    ],
)
def test_mistakes_are_named_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert said in caught.value.message
    assert str(tmp_path / "my.toml") in caught.value.message


@pytest.mark.parametrize(
    ("variable", "text"),
    [("OGCSERVER_SERVER_PROT", "1"), ("OGCSERVER_SERVER_PORT", "x"), ("OGCSERVER_LIMITS_TIMEOUT_S", "soon")],
)
def test_mistakes_in_the_environment_are_named(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.load(None, {variable: text})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: cannot be read"):
        Settings.load(tmp_path / "none.toml", {})


@pytest.mark.parametrize("path", sorted(CONFIG.glob("*.toml")), ids=lambda path: path.name)
def test_example_settings_can_be_loaded(path: Path) -> None:
    assert Settings.load(path, {}).catalogs


def test_the_example_shows_every_key_with_its_default() -> None:
    settings, text = Settings.load(CONFIG / "example.toml", {}), (CONFIG / "example.toml").read_text()
    assert (settings.cache, settings.limits, settings.sources) == (
        Settings().cache,
        Settings().limits,
        Settings().sources,
    )
    assert (settings.auth, settings.files) == (Settings().auth, Settings().files)
    assert (settings.udf, settings.graphs) == (Settings().udf, Settings().graphs)
    assert settings.server.data_dir == CONFIG / "data"
    sections = (settings.auth, settings.files, settings.udf, settings.graphs, settings.catalogs[0])
    for section in (settings.server, settings.cache, settings.limits, settings.sources, *sections):
        for one in fields(section):
            assert f"\n{one.name} = " in text, one.name
