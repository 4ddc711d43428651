"""The parity page: whole in itself, and nothing in it is believed."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np

from edge_resnet.verdict import judge
from export.page import render
from export.parity import Report, Row
from runtime.backends import Description

EVIL = "<script>alert(1)</script>&\"'"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def _parsed(report: Report) -> _Tags:
    parser = _Tags()
    parser.feed(render(report))
    return parser


def _passing_row() -> Row:
    logits = np.array([[0.0, 3.0], [2.0, 0.0]])
    result = judge("fp32", logits, logits + 1e-5, labels=np.array([1, 0]))
    return Row("opencv", "fp32", "pass", "", Description("opencv", "5.0.0", "cpu", "fp32", "fp32"), result)


def test_figures_and_verdict_are_on_it() -> None:
    page = _parsed(Report("torch", 2, (_passing_row(), Row("openvino", "fp32", "not installed"))))
    for told in (
        "Parity: pass",
        "2 pictures",
        "torch",
        "1.00e-05",
        "5.0.0, cpu, runs fp32",
        "not installed",
        "undecided",
    ):
        assert told in page.text


def test_what_engines_say_is_escaped() -> None:
    row = Row(EVIL, EVIL, "fail", EVIL, Description(EVIL, EVIL, EVIL, EVIL, EVIL))
    page = _parsed(Report(EVIL, 1, (row,)))
    assert "script" not in page.tags
    assert page.text.count("<script>alert(1)</script>") >= 5
    assert "Parity: fail" in page.text


def test_nothing_is_loaded_from_anywhere() -> None:
    page = _parsed(Report("golden", 2, (_passing_row(),)))
    assert not {"src", "href"} & set(page.attributes)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)


def test_a_precision_that_ran_nowhere_is_told() -> None:
    emulated = Row("opencv", "fp16", "emulated", "cast up")
    report = Report("torch", 2, (_passing_row(), emulated))
    assert report.passed
    assert report.not_shown == ("fp16",)
    assert "not run in its own arithmetic here: fp16" in _parsed(report).text


def test_no_row_that_ran_fp32_is_no_pass() -> None:
    assert not Report("torch", 2, (Row("opencv", "fp32", "unsupported"),)).passed
    assert not Report("torch", 2, ()).passed
