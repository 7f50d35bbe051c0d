"""The parts of requests in XML, as texts that may stand in a parameter.

Elements are found by their local names: the standards and their published schemas differ in namespaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from ogcserver.errors import UnsupportedOperation
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


def word(parameter: str) -> Reader:
    """Reads an element whose text is the value of the parameter and holds no syntax."""
    return lambda element: iter([(parameter, word_of(element))])


def nested(known: Mapping[str, Reader]) -> Reader:
    """Reads an element by its children, as :func:`children` does."""
    return lambda element: children(element, known)


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
        known: local name -> its reader.
    Raises:
        MalformedDocument: a child of another name.
    """
    for child in element:
        name = local_name(child)
        read = known.get(name)
        if read is None:
            parent = local_name(element)
            raise MalformedDocument(f"{parent} has no element {name[:SHOWN]!r}", locator=name[:SHOWN])
        yield from read(child)


@dataclass(frozen=True, eq=False)
class Grammar:
    """The requests of a version in XML."""

    version: str
    """For messages."""
    namespaces: Collection[str]
    identifiers: str
    """The parameter of DescribeCoverage that lists coverages."""
    operations: Mapping[str, Mapping[str, Reader]]
    """Lower-case name of the operation -> local names of its elements -> their readers."""

    def parameters(self, root: Element) -> Items:
        """The parameters of a request's element. Identifiers of DescribeCoverage make one list, as in KVP.

        Raises:
            UnsupportedOperation: the element is no request of this version.
            MalformedDocument: an element that the schema does not have there, or a name with the syntax of KVP in it.
        """
        name = local_name(root)
        known = self.operations.get(name.lower())
        if known is None or namespace(root) not in self.namespaces:
            raise UnsupportedOperation(
                f"there is no operation {str(root.tag)[:SHOWN]!r} in WCS {self.version}", locator="request"
            )
        yield "request", name
        for attribute in ("service", "version", "updateSequence", "count"):
            yield attribute, root.get(attribute, "")
        if name.lower() == "describecoverage":
            yield self.identifiers, ",".join(value for _, value in children(root, known))
        else:
            yield from children(root, known)
