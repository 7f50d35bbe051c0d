"""titiler-openeo."""

from benchmarks.peers.process import PeerError


class TiTilerOpenEo:
    def __init__(self, archive, cache, dates):
        raise PeerError("not yet")
