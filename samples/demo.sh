#!/usr/bin/env bash
# The whole main job on drawn pictures, some minutes; a second run uses what is there.
set -euo pipefail
edge-resnet demo --out "${1:-runs/demo}"
