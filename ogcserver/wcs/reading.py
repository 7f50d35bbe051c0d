"""The parts of requests in XML, as texts that may stand in a parameter.

Elements are found by their local names, in any letter case, for standards and published schemas differ in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from ogcserver.ows.reading import MalformedDocument
from ogcserver.ows.xml import Element

Items = Iterator[tuple[str, str]]
"""Parameters as the KVP binding has them: name and value."""
Reader = Callable[[Element], Items]

SHOWN = 80
"""So much of a bad text is repeated in the message."""
_SYNTAX = re.compile('[,()"]')
"""What has a meaning inside of the values of KVP, and no place in a name or number."""


def local_name(element: Element) -> str:
    """The name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def namespace(element: Element) -> str:
    """The namespace of the name; "" for none."""
    return str(element.tag).rpartition("}")[0].removeprefix("{")


def text_of(element: Element) -> str:
    """The text without blanks around it."""
    return (element.text or "").strip()


def word_of(element: Element | None) -> str:
    """The text of an element that is a name or a number; "" for none.

    Raises:
        MalformedDocument: it holds what is syntax in KVP.
    """
    text = "" if element is None else text_of(element)
    if element is not None and _SYNTAX.search(text):
        raise MalformedDocument(f"{text[:SHOWN]!r} is not a value here", locator=local_name(element))
    return text


def child_of(element: Element, name: str) -> Element | None:
    """The first child of this name."""
    return next((child for child in element if local_name(child).lower() == name.lower()), None)


def ignored(element: Element) -> Items:
    """What makes no difference."""
    return iter(())


def single(parameter: str) -> Reader:
    """Reads an element whose text is the value of the parameter."""
    return lambda element: iter([(parameter, text_of(element))])


def names(parameter: str) -> Reader:
    """Reads an element whose children are a list of names."""
    return lambda element: iter([(parameter, ",".join(word_of(child) for child in element))])


def children(element: Element, known: Mapping[str, Reader]) -> Items:
    """The items of all children.

    Args:
        known: lower-case name -> its reader.
    Raises:
        MalformedDocument: a child of another name.
    """
    for child in element:
        name = local_name(child)
        read = known.get(name.lower())
        if read is None:
            parent = local_name(element)
            raise MalformedDocument(f"{parent} has no element {name[:SHOWN]!r}", locator=name[:SHOWN])
        yield from read(child)
