"""Why an alarm was raised, or was not: from what the store has recorded."""
