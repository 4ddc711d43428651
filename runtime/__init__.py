"""From a camera to an alarm."""
