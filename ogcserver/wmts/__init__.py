"""WMTS 1.0.0 (OGC 07-057r7) by key-value pairs and by resource addresses."""
