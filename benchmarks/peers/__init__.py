"""What users would otherwise run on the same files. Each is tried; one that cannot be made to run says why."""
