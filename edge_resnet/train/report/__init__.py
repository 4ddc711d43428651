"""What a run leaves for people: its log while it trains, then the report as a page, as JSON and as a model card."""

from edge_resnet.train.report.log import METRICS, write_metrics, write_tensorboard
from edge_resnet.train.report.material import Judged, Material, Stage
from edge_resnet.train.report.plots import draw_confusion
from edge_resnet.train.report.write import CARD, CONFUSION, PAGE, REPORT, write

__all__ = [
    "CARD",
    "CONFUSION",
    "METRICS",
    "PAGE",
    "REPORT",
    "Judged",
    "Material",
    "Stage",
    "draw_confusion",
    "write",
    "write_metrics",
    "write_tensorboard",
]
