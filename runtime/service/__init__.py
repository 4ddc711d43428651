"""What a watch tells of itself while it runs: metrics, health, systemd, logs, the table in the terminal."""
