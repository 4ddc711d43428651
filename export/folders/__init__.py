"""Folders for other programs: OpenVINO IR, a model repository of Triton."""
