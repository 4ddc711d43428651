"""The frame of all our pages: one self-contained file that loads nothing, runs nothing, and reads well in the dark."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from string import Template
from typing import Literal

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>$title: $verdict</title>
<style>
$style
</style>
<header class="$tone">
<p class="over">$title: <b>$verdict</b></p>
<h1>$headline</h1>
<p>$lead</p>
</header>
$sections
</html>
""")

_STYLE = """
:root { color-scheme: light dark; --line: #8883; --soft: #8881; --quiet: light-dark(#59636e, #9198a1);
  --good: light-dark(#1a7f37, #3fb950); --bad: light-dark(#cf222e, #f85149); --open: light-dark(#9a6700, #d29922) }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 78rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }
header { border-left: .4rem solid var(--good); background: var(--soft); padding: .8rem 1.2rem; border-radius: .3rem }
header.fail { border-color: var(--bad) }
header .over { margin: 0; color: var(--quiet) } header.pass .over b { color: var(--good) }
header.fail .over b { color: var(--bad) }
h1 { font-size: 1.45rem; line-height: 1.3; margin: .2rem 0 .6rem; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .4rem }
p { margin: .4rem 0 } .note { color: var(--quiet); font-size: .87em } .wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { font-size: .87em; color: var(--quiet); font-weight: 600 }
th, td { padding: .45rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
td.number, th.number { text-align: right; white-space: nowrap }
.mark { font-weight: 600; white-space: nowrap } .good { color: var(--good) } .bad { color: var(--bad) }
.open { color: var(--open) }
ul { margin: .3rem 0; padding-left: 1.2rem } li { margin: .15rem 0; overflow-wrap: anywhere }
summary { cursor: pointer; color: var(--quiet); padding: .4rem 0 }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 34rem), 1fr)); gap: 1rem }
figure { margin: 0; border: 1px solid var(--line); border-radius: .4rem; padding: .7rem; overflow-wrap: anywhere }
.three { display: grid; grid-template-columns: repeat(3, 1fr); gap: .4rem }
img { width: 100%; height: auto; display: block; border-radius: .2rem } figcaption { margin-top: .3rem }
.three p { font-size: .8em; margin: .25rem 0 0; line-height: 1.35 }
dt { font-weight: 600; margin-top: .6rem } dd { margin: 0 }
@media (max-width: 46rem) {
  table.rows thead { display: none }
  table.rows tr { display: block; border-bottom: 2px solid var(--line); padding: .4rem 0 }
  table.rows td { display: flex; gap: .8rem; border: 0; padding: .15rem 0; text-align: left; white-space: normal }
  table.rows td.empty { display: none }
  table.rows td::before { content: attr(data-label); flex: 0 0 7.5rem; color: var(--quiet); font-size: .87em }
}
"""


def render(
    title: str, verdict: str, headline: str, lead: str, sections: Iterable[str], tone: Literal["pass", "fail"] = "pass"
) -> str:
    """A page as HTML. Everything but `sections`, which are HTML, is plain text and escaped here.

    Above stands `title: verdict`, then the `headline` (what to do) and the `lead` (on what grounds), in `tone`.
    """
    return _PAGE.substitute(
        title=escape(title),
        verdict=escape(verdict),
        tone=tone,
        style=_STYLE,
        headline=escape(headline),
        lead=escape(lead),
        sections="\n".join(sections),
    )
