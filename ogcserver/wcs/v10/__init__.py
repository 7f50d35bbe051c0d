"""WCS 1.0.0 (OGC 03-065r6): what QGIS asks for first."""
