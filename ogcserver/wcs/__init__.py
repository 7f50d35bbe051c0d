"""WCS: windows of a result as files. Requests become views of a plan; the engine computes them."""
