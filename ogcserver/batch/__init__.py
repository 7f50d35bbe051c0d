"""Batch jobs: the whole of a result, computed in chunks by other processes and kept as a file."""
