"""Cameras as a watch keeps them: read on threads of their own, reconnected, told blind when they are."""
