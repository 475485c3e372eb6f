"""Draw the table of a benchmark as an SVG, with the interval of the first metric of each model.

    zoo demo; python docs/picture.py runs/demo docs/static/demo.svg

The picture shows metrics only, because times differ between machines. It follows the light or dark theme of its reader.
"""

import argparse
from html import escape
from pathlib import Path

import zoo
from zoo.benchmark.tables.comparison_tables import MARKS, main_table

STYLE = """
text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; }
.head { font-weight: 600; fill: #59636e; }
.note { font-size: 12.5px; fill: #59636e; }
.mono { font-family: ui-monospace, monospace; font-size: 13px; }
.best { font-weight: 700; }
.page { fill: #ffffff; stroke: #d1d9e0; }
.band { fill: #f6f8fa; }
.axis { stroke: #d1d9e0; }
.line { stroke: #7aa2d6; stroke-width: 4; stroke-linecap: round; }
.dot { fill: #1f5fb4; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .head, .note { fill: #9198a1; }
  .page { fill: #0d1117; stroke: #3d444d; } .band { fill: #161b22; } .axis { stroke: #3d444d; }
  .line { stroke: #3a6ea5; } .dot { fill: #79b8ff; }
}"""
METRICS = ("ndcg@10", "recall@10", "coverage@10", "revenue@10")
ROW, TOP, LEFT, PLOT, COLUMN = 28, 62, 24, 250, 112
NAMES = 158
"""The width of the column of names."""


def text(x: float, y: float, words: str, kind: str = "", *, end: bool = False) -> str:
    """Return a text; with `end`, it ends at `x`."""
    anchor = ' text-anchor="end"' if end else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}"{anchor}>{escape(words)}</text>'


def draw(result: zoo.BenchmarkResult) -> str:
    """Return the picture of a result."""
    table, rows = main_table(result), result.to_arrow().to_pylist()
    at = [table.headers.index(metric) for metric in METRICS]
    shown = [(row, cells) for row, cells in zip(rows, table.rows, strict=True) if not row["reference"]]
    most = max(row[f"{METRICS[0]}_high"] or row[METRICS[0]] for row, _ in shown)
    start, width = LEFT + NAMES, LEFT + NAMES + PLOT + COLUMN * len(METRICS) + 16
    height = TOP + ROW * len(shown) + 50
    scale = (PLOT - 10) / most
    parts = [f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" class="page"/>']
    parts += [text(LEFT, TOP - 16, "model", "head"), text(start, TOP - 16, f"{METRICS[0]}, 95 % interval", "head")]
    parts += [
        text(start + PLOT + COLUMN * (i + 1) - 14, TOP - 16, metric, "head", end=True)
        for i, metric in enumerate(METRICS)
    ]
    for i, (row, cells) in enumerate(shown):
        y = TOP + ROW * i
        if i % 2 == 0:
            parts.append(f'<rect x="8" y="{y}" width="{width - 16}" height="{ROW}" rx="4" class="band"/>')
        parts.append(text(LEFT, y + 19, row["model"], "mono"))
        low, high = (row[f"{METRICS[0]}_{end}"] for end in ("low", "high"))
        middle = y + ROW / 2
        if low is not None and high is not None:
            ends = f'x1="{start + low * scale:.1f}" x2="{start + high * scale:.1f}"'
            parts.append(f'<line {ends} y1="{middle}" y2="{middle}" class="line"/>')
        parts.append(f'<circle cx="{start + row[METRICS[0]] * scale:.1f}" cy="{middle}" r="5" class="dot"/>')
        for j, column in enumerate(at):
            cell = cells[column]
            right = start + PLOT + COLUMN * (j + 1) - 14
            mark = MARKS[cell.verdict].strip() if cell.verdict else ""
            parts.append(text(right - 14, y + 19, cell.text, "best" if cell.verdict == "best" else "", end=True))
            parts.append(text(right, y + 19, mark, end=True) if mark else "")
    parts.append(f'<line x1="{start}" x2="{start}" y1="{TOP}" y2="{TOP + ROW * len(shown)}" class="axis"/>')
    note = "bold: the best value; =: not significantly different from it; the interval is over the queries of one seed"
    parts.append(text(LEFT, height - 20, note, "note"))
    body = "\n".join(part for part in parts if part)
    label = "Table of ten models on the built-in shop, made by zoo demo"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'{head} role="img" aria-label="{label}">\n<style>{STYLE}\n</style>\n{body}\n</svg>\n'


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the table of a benchmark as an SVG.")
    parser.add_argument("folder", type=Path, help="the folder of a benchmark")
    parser.add_argument("out", type=Path, help="the file to write")
    given = parser.parse_args()
    given.out.write_text(draw(zoo.BenchmarkResult(given.folder)), encoding="utf-8")
