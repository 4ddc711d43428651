"""The commands of `edge-resnet`, in the order of a user's day."""

from __future__ import annotations

import typer

from edge_resnet.cli import (
    arm,
    attend,
    audit,
    backtest,
    build,
    config,
    data,
    deliveries,
    demo,
    doctor,
    evaluate,
    events,
    export,
    finetune,
    parity,
    report,
    search,
    tune,
    why,
    zones,
)
from runtime.stream import stream

app = typer.Typer(
    help="From folders of camera pictures to an alarm at the edge: fine-tune, export with proof, watch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for function in (
    audit.audit,
    finetune.finetune,
    search.search,
    evaluate.evaluate,
    evaluate.predict,
    export.export,
    parity.parity,
    build.build,
    tune.tune,
    backtest.backtest,
    zones.zones,
    stream,
    arm.arm,
    attend.attend,
    why.why,
    report.report,
    demo.demo,
    doctor.doctor,
):
    app.command()(function)
app.add_typer(config.app, name="config")
app.add_typer(events.app, name="events")
app.add_typer(data.app, name="data")
app.add_typer(deliveries.app, name="deliveries")
