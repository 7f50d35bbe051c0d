"""Functions that users write, run in processes of their own."""
