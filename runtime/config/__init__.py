"""What a guard room is told to watch: sites, cameras, alarms and schedules, from YAML or from the command line."""
