"""The checks of the audit, each in its own file; registry.py lists them."""
