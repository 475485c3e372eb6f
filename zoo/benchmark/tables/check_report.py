"""What the checks of a task found, as text for the terminal and for the report."""

from __future__ import annotations

from zoo.benchmark.results_folder.store import BenchmarkManifest
from zoo.data.checks.finding import Finding, open_findings
from zoo.text_safety import show


def format_finding(finding: Finding) -> str:
    """Return a finding in three lines: what was found, its effect, and what to do."""
    return (
        f"Check {finding.number} ({finding.name}): {show(finding.found)}\n"
        f"  What it can do: {finding.effect}\n"
        f'  What to do: {finding.remedy}; or accept it: [data] accept = ["{finding.name}"]'
    )


def findings_section(manifest: BenchmarkManifest) -> str:
    """Return the section at the top of a report; empty without findings."""
    findings = [Finding(**finding) for finding in manifest.findings]
    lines = [
        f"- **Check {finding.number} (`{finding.name}`).** {finding.found} {finding.effect} To change the question: {finding.remedy}."
        for finding in open_findings(findings)
    ]
    accepted = [
        f"- Check {finding.number} (`{finding.name}`), accepted by `data.accept`: {finding.found}"
        for finding in findings
        if finding.accepted
    ]
    parts = []
    if lines:
        parts += ["## Warnings", "The ranking below may be misleading:", "\n".join(lines)]
    if accepted:
        parts += ["## Accepted findings", "\n".join(accepted)]
    return "\n\n".join(parts)


def findings_line(manifest: BenchmarkManifest) -> str:
    """Return one line that names the findings, for the end of a benchmark; empty without findings."""
    findings = [Finding(**finding) for finding in manifest.findings]
    warned, accepted = (
        ", ".join(f"{finding.number} ({finding.name})" for finding in findings if finding.accepted is kind)
        for kind in (False, True)
    )
    parts = [
        f"The ranking may be misleading, see the top of report.md: check {warned}." if warned else "",
        f"Accepted by data.accept: check {accepted}." if accepted else "",
    ]
    return " ".join(filter(None, parts))
