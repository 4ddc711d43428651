"""Recording: pictures and clips of what the rules found, written beside the event store."""
