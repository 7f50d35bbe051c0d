"""Pixels on the ground: grids, coordinate reference systems, tile matrices, resampling."""
