#!/usr/bin/env bash
# What was raised, the newest first; needs the sqlite3 program.
set -euo pipefail
sqlite3 -header -column "${1:-events.sqlite}" \
    "SELECT coalesce(raised_at, created_at) AS at, camera, alarm, label, round(raised_s, 1) AS raised_s,
            round(ended_s, 1) AS ended_s, round(peak, 2) AS peak, looks FROM events ORDER BY created_at DESC"
