"""WCS 1.1 (OGC 07-067r5): 1.1.0, 1.1.1 and 1.1.2, which differ in their namespaces."""
