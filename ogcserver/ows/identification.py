"""Who runs the service, and the sections of a capabilities document that say so.

Source: OGC 06-121r3 and 06-121r9, clauses 7.4.4 (ServiceIdentification), 7.4.5 (ServiceProvider) and 7.4.6
(OperationsMetadata). The prefix ``ows`` must be bound in the ``Elements`` passed in; the sections read alike in
OWS 1.1 and 2.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ogcserver.ows.xml import Element, Elements

Constraints = Mapping[str, tuple[str, ...]]
"""Name -> allowed values."""


@dataclass(frozen=True)
class Identification:
    """What the capabilities of every service say about it; "" leaves an element out."""

    title: str = "ogcserver"
    abstract: str = "Maps and coverages that are computed from process graphs on demand"
    keywords: tuple[str, ...] = ()
    fees: str = "NONE"
    access_constraints: str = "NONE"
    provider: str = "unknown"
    provider_site: str = ""
    contact: str = ""
    position: str = ""
    phone: str = ""
    address: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""
    email: str = ""


def service_identification(
    e: Elements, who: Identification, service: str, versions: Iterable[str], profiles: Iterable[str] = ()
) -> Element:
    """``ows:ServiceIdentification``.

    Args:
        service: such as ``OGC WMTS``, as the protocol prescribes.
        profiles: URIs of the conformance classes.
    """
    return e(
        "ows:ServiceIdentification",
        e("ows:Title", who.title),
        _unless_empty(e, "ows:Abstract", who.abstract),
        e("ows:Keywords", [e("ows:Keyword", word) for word in who.keywords]) if who.keywords else None,
        e("ows:ServiceType", service),
        [e("ows:ServiceTypeVersion", version) for version in versions],
        [e("ows:Profile", profile) for profile in profiles],
        e("ows:Fees", who.fees),
        e("ows:AccessConstraints", who.access_constraints),
    )


def service_provider(e: Elements, who: Identification) -> Element:
    """``ows:ServiceProvider``; the prefix ``xlink`` must be bound too."""
    phone = _unless_empty(e, "ows:Voice", who.phone)
    place = [
        _unless_empty(e, "ows:DeliveryPoint", who.address),
        _unless_empty(e, "ows:City", who.city),
        _unless_empty(e, "ows:PostalCode", who.postal_code),
        _unless_empty(e, "ows:Country", who.country),
        _unless_empty(e, "ows:ElectronicMailAddress", who.email),
    ]
    given = [part for part in place if part is not None]
    info = [e("ows:Phone", phone)] if phone is not None else []
    info += [e("ows:Address", given)] if given else []
    return e(
        "ows:ServiceProvider",
        e("ows:ProviderName", who.provider),
        e("ows:ProviderSite", {"xlink:href": who.provider_site}) if who.provider_site else None,
        e(
            "ows:ServiceContact",
            _unless_empty(e, "ows:IndividualName", who.contact),
            _unless_empty(e, "ows:PositionName", who.position),
            e("ows:ContactInfo", info) if info else None,
        ),
    )


def operations_metadata(
    e: Elements,
    operations: Mapping[str, str],
    constraints: Constraints | None = None,
    post: Constraints | None = None,
) -> Element:
    """``ows:OperationsMetadata`` with one HTTP GET address for each operation; needs ``xlink``.

    Args:
        operations: name -> URL, which should end in ``?`` for KVP.
        constraints: name -> allowed values, on every GET (such as GetEncoding: KVP of WMTS).
        post: the same for HTTP POST to the URL without ``?``, and for the section; None: there is no POST.
    """
    return e(
        "ows:OperationsMetadata",
        [_operation(e, *item, constraints or {}, post) for item in operations.items()],
        _constraints(e, post or {}),
    )


def _operation(e: Elements, name: str, url: str, get: Constraints, post: Constraints | None) -> Element:
    methods = [e("ows:Get", {"xlink:href": url}, _constraints(e, get))]
    if post is not None:
        methods.append(e("ows:Post", {"xlink:href": url.removesuffix("?")}, _constraints(e, post)))
    return e("ows:Operation", {"name": name}, e("ows:DCP", e("ows:HTTP", methods)))


def _constraints(e: Elements, allowed: Constraints) -> list[Element]:
    return [
        e("ows:Constraint", {"name": name}, e("ows:AllowedValues", [e("ows:Value", value) for value in values]))
        for name, values in allowed.items()
    ]


def _unless_empty(e: Elements, name: str, text: str) -> Element | None:
    return e(name, text) if text else None
