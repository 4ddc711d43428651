"""`python -m edge_resnet` is `edge-resnet`."""

from edge_resnet.cli import main

main()
