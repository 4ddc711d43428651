"""Events: what they are, where they are kept."""
