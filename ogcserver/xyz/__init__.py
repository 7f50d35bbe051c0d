"""Plain XYZ tiles of services."""
