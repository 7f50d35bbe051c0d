"""Documents as pages: what a JSON document says, with headings, tables and links.

A page runs nothing and loads nothing but the picture of a collection; all texts in it are escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from ogcserver.ogcapi.links import Json

POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of the pages."""

Crumbs = Sequence[tuple[str, str]]
"""Address and name of the pages above one, the topmost first."""

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--link:#1565c0}
@media(prefers-color-scheme:dark){:root{--link:#90caf9}}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:62rem;padding:1.5rem}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
nav{font-size:.9rem;border-bottom:1px solid var(--line);padding-bottom:.5rem;display:flex;gap:.5rem}
nav .json{margin-left:auto}
h1{font-size:1.7rem;margin:1rem 0 .5rem}h2{font-size:1.15rem;margin:1.6rem 0 .4rem}h3{font-size:1rem;margin:0}
img{max-width:100%;max-height:24rem;border:1px solid var(--line);border-radius:6px}
dl{display:grid;grid-template-columns:minmax(5.5rem,max-content) 1fr;gap:.15rem 1rem;margin:.3rem 0}
dt{opacity:.7}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;font-size:.9rem;display:block;overflow-x:auto}
td,th{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line);vertical-align:top}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(18rem,1fr));gap:.8rem}
.card+.card{margin-top:0}h2~.card{margin-bottom:.6rem}
.card{border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem;overflow-wrap:anywhere;font-size:.9rem}
ul{padding-left:1.2rem}code{font-size:.85rem}.rel{opacity:.7;font-size:.85rem}
"""
_HIDDEN = ("title", "description", "links")
"""Members that are shown otherwise than in the list of members."""
_SHORT = 30
"""Characters of items that stand side by side."""
_MOST = 200
"""Items of a list that a page shows."""


def page(document: Json, title: str, crumbs: Crumbs, here: str, picture: str = "") -> str:
    """
    Args:
        here: address of the document itself.
        picture: address of a picture of what the document is about.
    """
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(str(document['description']))}</p>" if document.get("description") else "",
        f'<p><img src="{escape(picture)}" alt="A map of it"></p>' if picture else "",
        _members(document),
        *(_section(name, value) for name, value in document.items() if _is_section(name, value)),
        _links(document.get("links", ())),
    ]
    return _framed(title, crumbs, here, "".join(parts))


def api_page(document: Json, crumbs: Crumbs, here: str) -> str:
    """The page of the API definition: its operations by tag."""
    parts = []
    for tag in document["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}: {escape(tag['description'])}</h2>")
        parts += [
            _operation(path, one["get"]) for path, one in document["paths"].items() if tag["name"] in one["get"]["tags"]
        ]
    about = f"<h1>API definition</h1><p>{len(document['paths'])} operations. As JSON it is OpenAPI 3.0.</p>"
    return _framed("API definition", crumbs, here, about + "".join(parts))


def _operation(path: str, described: Json) -> str:
    queried = (one for one in described["parameters"] if one["in"] == "query")
    names = (f'<span title="{escape(one["description"])}">{escape(one["name"])}</span>' for one in queried)
    types = ", ".join(escape(name) for name in described["responses"]["200"]["content"])
    about = f"<dt>query</dt><dd>{', '.join(names)}</dd><dt>answers</dt><dd>{types}</dd>"
    return f'<div class="card"><h3><code>{escape(path)}</code></h3>{escape(described["summary"])}<dl>{about}</dl></div>'


def _framed(title: str, crumbs: Crumbs, here: str, body: str) -> str:
    trail = "".join(f'<a href="{escape(href)}">{escape(name)}</a><span>/</span>' for href, name in crumbs)
    joint = "&" if "?" in here else "?"
    json = f'<a class="json" href="{escape(here)}{escape(joint)}f=json">JSON</a>'
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    nav = f"<nav>{trail}<span>{escape(title)}</span>{json}</nav>"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head><body>{nav}{body}</body></html>\n'
    )


def _is_section(name: str, value: object) -> bool:
    return name not in _HIDDEN and isinstance(value, (dict, list)) and bool(value)


def _section(name: str, value: Any) -> str:
    return f"<h2>{escape(name)}</h2>{_shown(value)}"


def _members(document: Json) -> str:
    """The members that are no lists or objects."""
    single = [item for item in document.items() if item[0] not in _HIDDEN and not isinstance(item[1], (dict, list))]
    return _definitions(single)


def _definitions(items: Iterable[tuple[str, Any]]) -> str:
    rows = "".join(f"<dt>{escape(str(name))}</dt><dd>{_shown(value)}</dd>" for name, value in items)
    return f"<dl>{rows}</dl>" if rows else ""


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return _definitions(value.items())
    if not isinstance(value, list):
        return _text(value)
    objects = [item for item in value[:_MOST] if isinstance(item, dict)]
    more = f"<p>and {len(value) - _MOST} more</p>" if len(value) > _MOST else ""
    if objects and "links" in objects[0]:
        return f'<div class="cards">{"".join(map(_card, objects))}</div>{more}'
    if objects:
        return _table(objects) + more
    if all(isinstance(item, (int, float, str)) and len(str(item)) < _SHORT for item in value):
        return ", ".join(map(_text, value[:_MOST])) + more
    return f"<ul>{''.join(f'<li>{_shown(item)}</li>' for item in value[:_MOST])}</ul>{more}"


def _card(item: Json) -> str:
    """An item with links of its own: its title leads to the first of them."""
    title, href = str(item.get("title", item.get("id", ""))), item["links"][0]["href"]
    about = f"<p>{escape(str(item['description']))}</p>" if item.get("description") else ""
    texts = [(name, value) for name, value in item.items() if isinstance(value, str) and name not in _HIDDEN]
    return f'<div class="card"><h3><a href="{escape(href)}">{escape(title)}</a></h3>{about}{_definitions(texts)}</div>'


def _table(items: Sequence[Json]) -> str:
    names = list(dict.fromkeys(name for item in items for name in item))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = ("".join(f"<td>{_shown(item.get(name, ''))}</td>" for name in names) for item in items)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _links(links: Iterable[Json]) -> str:
    """Links to other resources, each address once."""
    others = {one["href"]: one for one in reversed(list(links)) if one["rel"] not in ("self", "alternate")}
    shown = reversed(others.values())
    items = "".join(f"<li>{_anchor(one)} <span class='rel'>{escape(_relation(one))}</span></li>" for one in shown)
    return f"<h2>links</h2><ul>{items}</ul>" if items else ""


def _relation(one: Json) -> str:
    return f"{one['rel'].rpartition('/')[2]}, {one['type']}"


def _anchor(one: Json) -> str:
    text = escape(one.get("title") or one["href"])
    return (
        f"<code>{escape(one['href'])}</code>" if one.get("templated") else f'<a href="{escape(one["href"])}">{text}</a>'
    )


def _text(value: object) -> str:
    """A text, as a link where it is an address."""
    text = "" if value is None else str(value)
    shown = escape(text)
    return f'<a href="{shown}">{shown}</a>' if text.startswith(("http://", "https://")) else shown
