#!/usr/bin/env bash
# From folders of pictures to a trained run. DATA has train/ and test/ (or only class folders).
set -euo pipefail
DATA=${1:-data}
RUN=${2:-runs/yard}
# A camera's picture is wide: 160x288 keeps its shape and costs as much as 224x224.
if [ -e "$RUN/args.yaml" ]; then
    edge-resnet finetune --resume --out "$RUN"
else
    edge-resnet finetune "$DATA" --input 160x288 --out "$RUN"
fi
