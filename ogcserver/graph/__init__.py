"""From a client's JSON to a plan: parse within limits, resolve stored graphs, check, lower to nodes."""
