"""Where looks, events and pictures go: JSON lines, an annotated clip, a window."""
