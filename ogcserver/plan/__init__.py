"""The lazy plan: typed nodes without pixels, their rewrites, and their binding to a view. No input or output here."""
