"""Pictures of what the runtime recorded; they need matplotlib."""
