"""A server that turns process graphs into maps and coverages on demand."""
