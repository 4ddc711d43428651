#!/usr/bin/env bash
# A run to a bundle with its proof, and the bundle packed for the box. Drawn golden frames keep your pictures at home.
set -euo pipefail
RUN=${1:-runs/yard}
edge-resnet export "$RUN" --fp16 --golden samples
tar --exclude=box -C "$RUN" -cf "$RUN/bundle.tar" bundle
echo "copy $RUN/bundle.tar to the box, unpack it there, then: edge-resnet parity bundle"
