"""The audit as other parts call it: the checks, audit.json and audit.html."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_resnet import files
from edge_resnet.audit import page
from edge_resnet.audit.check import Check, NotRun
from edge_resnet.audit.registry import CHECKS
from edge_resnet.audit.result import Audit, Result
from edge_resnet.data.survey import Survey
from edge_resnet.progress import Narrator

JSON, PAGE = "audit.json", "audit.html"


def audit(survey: Survey, narrator: Narrator, checks: Sequence[Check] = CHECKS) -> Audit:
    """Ask all `checks` about the pictures. A check that breaks is told as not run, and takes no other with it."""
    results = []
    with narrator.stage("looking for faults") as step:
        for done, check in enumerate(checks, 1):
            results.append(_ask(check, survey))
            step(done, len(checks))
    return Audit(survey.listing, tuple(results), len(survey.store.skipped))


def write(folder: Path, audit: Audit, survey: Survey) -> None:
    """Write audit.json and audit.html (with the thumbnails of `survey`) into `folder`."""
    files.write_json(folder / JSON, audit.to_json())
    files.write_text(folder / PAGE, page.render(audit, survey))


def inspect(survey: Survey, out: Path, narrator: Narrator) -> dict[str, Any]:
    """Look at the pictures of a run before it trains; leaves both files in `out`, returns a summary for its report.

    Never stops the run: what goes wrong here is said, and is the summary's `broke`.
    """
    try:
        found = audit(survey, narrator)
        write(out, found, survey)
    except Exception as error:
        narrator.say(f"audit: broke ({type(error).__name__}: {error}); training goes on")
        return {"broke": f"{type(error).__name__}: {error}"}
    narrator.say(f"{found.summary}; see {out / PAGE}")
    for result in found.results:
        if result.worst == "error":
            narrator.say(f"  {result.check.name}: {result.findings[0].told}" + _more(len(result.findings) - 1))
    return found.summary_json()


def _ask(check: Check, survey: Survey) -> Result:
    try:
        found = sorted(check.find(survey), key=lambda finding: finding.score, reverse=True)
    except NotRun as reason:
        return Result(check, not_run=str(reason))
    except Exception as error:
        # Pictures of every kind meet several libraries here, and no surprise in one may cost a training run.
        return Result(check, not_run=f"it broke ({type(error).__name__}: {error})")
    return Result(check, tuple(found))


def _more(count: int) -> str:
    return f" (and {count} more)" if count else ""
