"""Saved process graphs: jobs, the web services over them, and where both are kept."""
