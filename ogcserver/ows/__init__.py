"""What the OGC services share: key-value pairs, XML, exception reports, and who runs the service."""
