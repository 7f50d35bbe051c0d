"""OGC API: Common, Tiles, Maps and Coverages over on-demand jobs, at ``/ogc``."""
