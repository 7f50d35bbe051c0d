"""Users: how they prove who they are, the files that they keep, and what they have computed."""
