"""Where pixels come from: catalogues that find items, and rasters that are read."""
