"""What WCS 1.0.0 and 1.1 share: operations, update sequences, and reading of posted requests."""
