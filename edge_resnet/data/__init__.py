"""Pictures of a task: what lies in a folder, which camera each came from, and all of them decoded once."""
