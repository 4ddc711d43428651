"""The parity page: whole in itself, and nothing in it is believed."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np

from edge_resnet.verdict import judge
from export.parity.drift import Drift
from export.parity.gallery import Answer, ChangedPicture, Gallery
from export.parity.page import render
from export.parity.precision import of_engine
from export.parity.report import Report
from export.parity.row import ALL_PRECISIONS, Row
from export.parity.speed import Speed
from runtime.backends import Description, Executed

EVIL = "<script>alert(1)</script>&\"'"
LABELS = ("normal", "fire")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def _parsed(report: Report) -> _Tags:
    parser = _Tags()
    parser.feed(render(report))
    return parser


def _row(precision: str = "fp32", ratio: float = 1.0, changed: int = 0) -> Row:
    """A row that passes on four pictures, of which `changed` changed sides."""
    logits = np.array([[0.0, 3.0], [2.0, 0.0], [0.0, 1e-4], [0.0, 1e-4]])
    candidate = logits + 1e-5
    candidate[2 : 2 + changed] = [2e-4, 0.0]
    result = judge(precision, logits, candidate, labels=np.array([1, 0, 1, 1]))
    description = Description("opencv", "5.0.0", "cpu", precision, precision, executed=Executed({precision: 54}, 16, 3))
    speed = Speed(12.5 / ratio, ratio, ratio, ratio, ("opencv", "fp32"), 7)
    return Row("opencv", precision, "pass", "", description, result, of_engine(description), speed)


def _gallery(label: str = "fire_1.jpg") -> Gallery:
    heat = np.full((2, 3), 0.8, np.float32)
    picture = ChangedPicture(
        2,
        np.zeros((32, 48, 3), np.uint8),
        "INT8 on OpenCV",
        Answer(1, 0.625, 0.375, None),
        Answer(0, 0.5125, 0.4875, heat),
        {"INT8 on OpenVINO": 0},
        1,
        label,
    )
    return Gallery(17, (picture,))


def _full_report() -> Report:
    rows = (_row(), _row("int8", 3.6, changed=2), Row("openvino", ALL_PRECISIONS, "not installed"))
    drift = (Drift("OpenCV, INTER_LINEAR", 64, 0.355, 0.0326, 0.0156),)
    return Report("torch", 4, rows, LABELS, _gallery(), drift)


def test_who_decides_reads_first_what_to_do() -> None:
    page = _parsed(_full_report())
    wanted = (
        "Parity: pass",
        "Ship INT8 on OpenCV (3.5 ms a frame): 3.60x the speed of FP32 on OpenCV",
        "4 pictures",
        "Every engine",
        "In words",
        "Answers that changed, class by class",
        "Pictures that changed sides",
        "If pictures are resized in another way",
        "All figures",
        "What the words mean",
    )
    body = page.text[page.text.index("Parity: pass", 20) :]
    places = [body.index(told) for told in wanted]
    assert places == sorted(places)


def test_every_finding_is_on_it() -> None:
    page = _parsed(_full_report())
    for told in (
        *("torch", "5.0.0, cpu", "not installed", "3.60x", "12.5 ms", "baseline", "ship"),
        *("100.00%", "4 of 4; 95%: 51.01 to 100.00", "undecided at 0.5 pp", "50.00%", "2 of 4; 95%: 15.00 to 85.00"),
        *("54 of 54 convolutions in INT8, 16 of 16 additions fused, 3 reformats", "2 of 3"),
        *("17 in all, 1 here", "fire 62.5%", "normal 37.5%", "normal 51.2%", "fire 48.8%"),
        *("fire_1.jpg · truly fire · also INT8 on OpenVINO: normal",),
        *("OpenCV, INTER_LINEAR", "35.5 pp", "3.26 pp", "1.6%", "64 pictures"),
        *("1.00e-05", "p = 1", "→"),
    ):
        assert told in page.text, told


def test_what_was_judged_comes_before_what_could_not_run() -> None:
    rows = (Row("openvino", ALL_PRECISIONS, "not installed"), Row("torch", "fp16", "emulated"), _row())
    text = _parsed(Report("torch", 4, rows)).text
    assert text.index("5.0.0, cpu") < text.index("PyTorch") < text.index("OpenVINO")


def test_what_engines_files_and_labels_say_is_escaped() -> None:
    description = Description(EVIL, EVIL, EVIL, EVIL, EVIL, executed=Executed({EVIL: 1}))
    row = Row(EVIL, EVIL, "fail", EVIL, description, _row(changed=2).result, of_engine(description))
    report = Report(EVIL, 1, (row,), (EVIL, EVIL), _gallery(EVIL), (Drift(EVIL, 1, 0.0, 0.0, 0.0),))
    page = _parsed(report)
    assert "script" not in page.tags
    assert page.text.count("alert(1)</") >= 15
    assert "Parity: fail" in page.text
    assert not [name for name, _value in page.attributes if name.startswith("on")]


def test_nothing_is_loaded_from_anywhere_and_nothing_runs() -> None:
    page = _parsed(_full_report())
    assert not {"script", "link", "iframe", "object", "form", "a"} & set(page.tags)
    assert not {"href", "action", "style", "srcset"} & {name for name, _value in page.attributes}
    sources = [value for name, value in page.attributes if name == "src"]
    # The picture itself, and that with the candidate's map; of the reference no map was known.
    assert len(sources) == 2
    assert all(source is not None and source.startswith("data:image/jpeg;base64,") for source in sources)
    policy = next(value for name, value in page.attributes if value is not None and "default-src" in value)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert "@import" not in page.text
    assert "url(" not in page.text


def test_a_gallery_that_was_left_out_says_why() -> None:
    page = _parsed(Report("torch", 4, (_row(),)))
    assert "Left out: this report goes with a bundle that must not carry anybody's pictures" in page.text
    assert "img" not in page.tags
    assert "None on the engines" in _parsed(Report("torch", 4, (_row(),), gallery=Gallery(0, ()))).text


def test_a_precision_that_ran_nowhere_is_told() -> None:
    emulated = Row("opencv", "fp16", "emulated", "cast up")
    report = Report("torch", 2, (_row(), emulated, Row("openvino", ALL_PRECISIONS, "not installed")))
    assert report.passed
    assert report.not_shown == ("fp16",)
    assert "Not proven on any engine here, in its own arithmetic: FP16." in _parsed(report).text


def test_no_row_that_ran_fp32_is_no_pass() -> None:
    assert not Report("torch", 2, (Row("opencv", "fp32", "unsupported"),)).passed
    assert not Report("torch", 2, ()).passed


def test_the_report_is_json_with_everything_in_it() -> None:
    told = json.loads(json.dumps(_full_report().to_json(), allow_nan=False))
    assert told["recommendation"].startswith("Ship INT8 on OpenCV")
    int8 = told["rows"][1]
    assert int8["flips"] == [{"from": "fire", "to": "normal", "pictures": 2, "of": 3}]
    assert (int8["decision"], int8["proof"]["state"], int8["speed"]["ratio"]) == ("ship", "shown", 3.6)
    assert set(int8["calibration"]) == {"reference", "candidate"}
    assert told["gallery"]["changed"] == 17
    assert told["gallery"]["pictures"][0]["reference"] == {
        "label": "fire",
        "probabilities": {"fire": 0.625, "normal": 0.375},
    }
    assert told["drift"][0]["way"] == "OpenCV, INTER_LINEAR"
    missing = told["rows"][2]
    assert (missing["flips"], missing["proof"], missing["speed"], missing["decision"]) == ([], None, None, "open")
