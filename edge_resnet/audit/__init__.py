"""A look at the pictures before anybody trains on them: what is broken, twice there, leaking, or labelled wrong."""
