#!/usr/bin/env bash
# Watch the camera that a settings file names: watch.sh samples/cameras/usb.env
set -euo pipefail
# shellcheck source=/dev/null
. "${1:?name a settings file, such as samples/cameras/usb.env}"
exec edge-resnet stream --camera "$CAMERA" --bundle "$BUNDLE" --rate "${RATE:-5}" --events "${EVENTS:-events.sqlite}"
