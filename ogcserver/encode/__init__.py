"""A computed block as the bytes of a file: GeoTIFF, COG, PNG, JPEG, netCDF."""
