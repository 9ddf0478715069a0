#!/usr/bin/env python3
"""Metrics stand in the sources, in docs/operations.md and in what is made of them: each that a rule, a rule's test or
the dashboard names is documented, each that is documented exists, and so are labels and log codes.

Usage: metrics_test.py BUILD_DIR (not read)
"""
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAME = r"dealwright_[a-z_]+"
PARTS = ("_bucket", "_sum", "_count")


def whole(name, known):
    """The metric that a series belongs to."""
    for part in PARTS:
        if name not in known and name.endswith(part) and name[:-len(part)] in known:
            return name[:-len(part)]
    return name


def expressions(value):
    """Every PromQL text of a dashboard."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from [one] if key in ("expr", "query") and isinstance(one, str) else expressions(one)
    elif isinstance(value, list):
        for one in value:
            yield from expressions(one)


def undocumented(text, documented):
    return sorted({name for name in re.findall(NAME, text) if whole(name, documented) not in documented})


def documented_metrics(text):
    """{metric: labels} of the table in docs/operations.md."""
    out = {}
    for row in re.findall(r"^\| (`dealwright_.*)$", text, re.M):
        names, _, labels = row.split("|")[:3]
        for name in re.findall(NAME, names):
            out[name] = {label.strip() for label in labels.split(",") if label.strip()}
    return out


def main():
    faults = []
    manual = (ROOT / "docs/operations.md").read_text()
    documented = documented_metrics(manual)
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard",
                             "connectors/daemon"], capture_output=True, text=True, check=True).stdout.split()
    sources = "".join((ROOT / name).read_text() for name in listed if name.endswith(".cc"))
    exist = set(re.findall(rf'"({NAME})"', sources))
    faults += [f"docs/operations.md: {name} is in no source" for name in sorted(set(documented) - exist)]
    faults += [f"connectors/daemon: {name} is not in the table of docs/operations.md"
               for name in sorted(exist - set(documented))]

    dashboard = json.loads((ROOT / "deploy/grafana/dealwright.json").read_text())
    shown = "\n".join(expressions(dashboard))
    texts = {"deploy/grafana/dealwright.json": shown,
             "deploy/prometheus/dealwright.rules.yml": (ROOT / "deploy/prometheus/dealwright.rules.yml").read_text(),
             "tests/e2e/prometheus_rules.yml": (ROOT / "tests/e2e/prometheus_rules.yml").read_text()}
    for name, text in texts.items():
        faults += [f"{name}: {metric} is not documented" for metric in undocumented(text, documented)]
        if not re.search(NAME, text):
            faults.append(f"{name}: names no metric: is it read at all?")
    for series, labels in re.findall(rf"({NAME})\{{([^}}]*)\}}", "\n".join(texts.values())):
        allowed = documented.get(whole(series, documented), set()) | {"instance", "job", "le"}
        for label in re.findall(r"(\w+)\s*=", labels):
            if label not in allowed:
                faults.append(f"{series}: no label {label}; there are {', '.join(sorted(allowed))}")
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(ids) != len(set(ids)) or len(ids) < 10:
        faults.append("deploy/grafana/dealwright.json: panels without ids of their own, or too few")

    alerts = set(re.findall(r"- alert: (\w+)", texts["deploy/prometheus/dealwright.rules.yml"]))
    faults += [f"alert {name} is not in docs/operations.md" for name in sorted(alerts) if f"`{name}`" not in manual]
    faults += [f"alert {name} has no test that it fires" for name in sorted(alerts)
               if not re.search(rf"alertname: {name}\n\s+eval_time: \w+\n\s+exp_alerts:", texts["tests/e2e/prometheus_rules.yml"])]
    codes = set(re.findall(r'{"(\w+)", "(?:info|warning|error)"}', (ROOT / "connectors/daemon/log_line.cc").read_text()))
    told = set(re.findall(r"^\| `(\w+)` \| (?:info|warning|error) \|", manual, re.M))
    faults += [f"log code {name}: in docs/operations.md or in the source, not in both" for name in sorted(codes ^ told)]

    # What must be found is found.
    if undocumented("rate(dealwright_no_such_total[5m])", documented) != ["dealwright_no_such_total"]:
        faults.append("a metric that does not exist is not found")
    if undocumented("dealwright_sync_seconds_bucket", documented):
        faults.append("a histogram's series is not known as its metric's")
    for fault in faults:
        print("FAILED", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
