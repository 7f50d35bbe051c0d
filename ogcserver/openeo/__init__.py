"""The job API, openEO 0.3.0."""
