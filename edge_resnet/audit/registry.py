"""Which checks there are, in the order in which they are told. To add one: a file in checks/, a line here."""

from __future__ import annotations

from edge_resnet.audit.check import Check
from edge_resnet.audit.checks.alike_labels import AlikeLabels
from edge_resnet.audit.checks.blank import Blank
from edge_resnet.audit.checks.blurred import Blurred
from edge_resnet.audit.checks.dark import Dark
from edge_resnet.audit.checks.duplicate import Duplicate
from edge_resnet.audit.checks.imbalance import Imbalance
from edge_resnet.audit.checks.label import Label
from edge_resnet.audit.checks.leak import Leak
from edge_resnet.audit.checks.near_duplicate import NearDuplicate
from edge_resnet.audit.checks.odd_file import OddFile
from edge_resnet.audit.checks.overexposed import Overexposed
from edge_resnet.audit.checks.tiny import Tiny
from edge_resnet.audit.checks.two_labels import TwoLabels
from edge_resnet.audit.checks.unreadable import Unreadable

CHECKS: tuple[Check, ...] = (
    Leak(),
    TwoLabels(),
    AlikeLabels(),
    Unreadable(),
    OddFile(),
    Label(),
    Duplicate(),
    NearDuplicate(),
    Imbalance(),
    Dark(),
    Overexposed(),
    Blank(),
    Blurred(),
    Tiny(),
)
