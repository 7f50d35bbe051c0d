"""A page for browsers that shows the on-demand jobs on a map."""
