"""INT8: ranges from training pictures in two passes, one table, and a model for each family of engines."""
