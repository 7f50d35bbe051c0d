"""Runs bound plans: the only caller of sources."""
