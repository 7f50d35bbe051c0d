"""What all coverage protocols share: boxes and the grids that cover them, sizes, files."""
