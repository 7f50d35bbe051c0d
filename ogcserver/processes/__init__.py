"""The processes that graphs may use: each is described for people and makes a plan node."""
