"""The audit as a whole: all checks, both files, the summary that training keeps, and --fix."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_resnet.audit import run
from edge_resnet.audit.check import Check, Finding
from edge_resnet.audit.fix import carry_out, fixable
from edge_resnet.audit.registry import CHECKS
from edge_resnet.audit.result import Audit
from edge_resnet.audit.run import audit, inspect, write
from edge_resnet.data.survey import Survey
from edge_resnet.errors import UserError
from edge_resnet.progress import Narrator
from tests.drawn import bad_pictures, class_folders, picture, splits
from tests.unit.audit.surveyed import survey

QUIET = Narrator(quiet=True)


@pytest.fixture
def poor(tmp_path: Path) -> Path:
    """Splits with a leak, a picture of two classes, unreadable files, and a name to be escaped."""
    data = splits(tmp_path / "data", 20, 6, 6)
    shutil.copy(data / "train" / "fire" / "fire-000.png", data / "test" / "fire" / "leak.png")
    shutil.copy(data / "val" / "fire" / "fire-001.png", data / "val" / "normal" / "<b>calm.png")
    bad_pictures(data / "train" / "normal")
    return data


def result_of(found: Audit, name: str):
    (result,) = (result for result in found.results if result.check.name == name)
    return result


def test_every_check_has_a_name_of_its_own_and_says_what_it_means() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)
    assert all(check.meaning.endswith(".") and check.severity in ("error", "warning", "note") for check in CHECKS)


def test_a_clean_set_passes(tmp_path: Path) -> None:
    found = audit(survey(splits(tmp_path / "data", 12, 10, 10)), QUIET)
    assert found.passed
    assert found.counts == "0 errors, 0 warnings, 0 notes"
    assert found.summary == "audit: 0 errors, 0 warnings, 0 notes; not run: label"


def test_findings_are_counted_and_both_files_tell_them(poor: Path, tmp_path: Path) -> None:
    surveyed = survey(poor)
    found = audit(surveyed, QUIET)
    write(tmp_path / "out", found, surveyed)
    content = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert content == found.to_json()
    assert content["verdict"] == "fail"
    assert content["errors"] == 2
    assert content["unreadable"] == 7
    assert content["splits"]["val"] == {"fire": 6, "normal": 7}
    (leak,) = next(check["findings"] for check in content["checks"] if check["check"] == "leak")
    assert leak["pictures"][0] == {"file": "test/fire/leak.png", "class": "fire", "split": "test"}
    assert leak["fix_moves"] == ["train/fire/fire-000.png"]
    page = (tmp_path / "out" / "audit.html").read_text()
    assert "Mend these first: leak, two_labels" in page
    assert "&lt;b&gt;calm.png" in page
    assert "<b>calm" not in page
    assert "train/normal/cmyk.jpg: CMYK colours" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_a_page_shows_a_part_and_says_how_much_is_left(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 45, "normal": 45})
    surveyed = survey(data, input=(96, 112))
    many = [Finding(f"finding {index}", pictures=(index,)) for index in range(90)]
    big = [Finding("all of them", pictures=tuple(range(90)), score=1.0)]

    class Many(Check):
        name, meaning, severity = "many", "Many.", "warning"

        def find(self, survey: Survey) -> Sequence[Finding]:
            return [*many, *big]

    found = audit(surveyed, QUIET, [Many()])
    write(tmp_path / "out", found, surveyed)
    page = (tmp_path / "out" / "audit.html").read_text()
    assert page.count("<img") == 60
    assert "82 more in audit.json" in page
    assert "38 more findings in audit.json" in page
    assert len(found.to_json()["checks"][0]["findings"]) == 91


def test_a_check_that_breaks_takes_no_other_with_it(poor: Path) -> None:
    class Broken(Check):
        name, meaning, severity = "broken", "Breaks.", "error"

        def find(self, survey: Survey) -> Sequence[Finding]:
            raise ZeroDivisionError("by zero")

    found = audit(survey(poor), QUIET, [Broken(), *CHECKS])
    assert found.results[0].not_run == "it broke (ZeroDivisionError: by zero)"
    assert found.count("error") == 2


def test_training_gets_files_a_few_lines_and_a_summary(
    poor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = inspect(survey(poor), tmp_path / "run", Narrator())
    assert (summary["verdict"], summary["errors"]) == ("fail", 2)
    assert summary["findings"]["leak"] == 1
    assert "--weights" in summary["not_run"]["label"]
    assert (tmp_path / "run" / "audit.html").is_file()
    told = capsys.readouterr().err
    assert f"see {tmp_path / 'run' / 'audit.html'}" in told
    assert "leak: a test picture is the same file as 1 of train" in told


def test_an_audit_that_fails_never_stops_a_run(
    poor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "write", full)
    assert "No space left" in inspect(survey(poor), tmp_path / "run", Narrator())["broke"]
    assert "training goes on" in capsys.readouterr().err


def test_no_picture_that_can_be_read_is_no_crash(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for label in ("fire", "normal"):
        bad_pictures(data / label)
    surveyed = survey(data)
    found = audit(surveyed, QUIET)
    assert not any("broke" in result.not_run for result in found.results)
    assert not found.passed
    write(tmp_path / "out", found, surveyed)


def test_a_thousand_classes_are_no_crash(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for number in range(1000):
        (data / f"class{number}").mkdir(parents=True)
        picture(number, (number % 256, 20, 200)).save(data / f"class{number}" / "only.png")
    found = audit(survey(data), QUIET)
    assert not any("broke" in result.not_run for result in found.results)
    assert "1000 classes have under 10 pictures" in result_of(found, "imbalance").findings[0].told


def test_fix_moves_what_the_named_checks_name_and_settles_it(poor: Path, tmp_path: Path) -> None:
    found = audit(survey(poor), QUIET)
    settled = carry_out(found, ("leak", "unreadable"), tmp_path / "away")
    assert len(settled.moved) == 8
    assert (tmp_path / "away" / "train" / "fire" / "fire-000.png").is_file()
    assert not (poor / "train" / "fire" / "fire-000.png").exists()
    assert (poor / "test" / "fire" / "leak.png").is_file()
    assert not result_of(settled, "leak").findings
    assert not result_of(settled, "unreadable").findings
    # Its copies were the same files, so nothing is left of it either.
    assert not result_of(settled, "duplicate").findings
    assert result_of(settled, "two_labels").findings
    assert settled.to_json()["moved"].count("train/fire/fire-000.png") == 1
    again = audit(survey(poor), QUIET)
    assert again.count("error") == 1


def test_fix_leaves_no_class_empty(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"fire": 2, "normal": 12})
    found = audit(survey(data, input=(96, 112)), QUIET)
    with pytest.raises(UserError, match="--fix tiny: would leave class fire without pictures; nothing was moved"):
        carry_out(found, ("tiny",), tmp_path / "away")
    assert not (tmp_path / "away").exists()


def test_only_checks_that_name_files_can_be_fixed() -> None:
    assert fixable(["dark", "leak", "dark"]) == ("dark", "leak")
    for name in ("imbalance", "nonsense"):
        with pytest.raises(UserError, match=f"--fix {name}: takes one of leak"):
            fixable([name])
