"""What all settings have in common."""

from __future__ import annotations

from pydantic import ConfigDict

from edge_resnet.manifest import Strict


class Settings(Strict):
    """Base of all settings: the text under a field describes it, also in the schema.

    Errors never repeat what was given, for an address may hold a password.
    """

    model_config = ConfigDict(use_attribute_docstrings=True, hide_input_in_errors=True)
