"""Is this box fit to watch: engines, codecs, cameras, clock, disk and limits, each with what to do about it."""
