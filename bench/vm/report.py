# SPDX-License-Identifier: GPL-2.0-or-later
"""What bench/vm/run measured, and the report of it: effect.md, with a table for each scenario, and effect.svg."""

import functools
import json
import math
import operator
import re
import statistics


class Results:
    """A file with one line a run: what it is a run of, and what was measured."""

    def __init__(self, path):
        self.path = path
        self.runs = {}
        if path.exists():
            entries = [json.loads(line) for line in path.read_text().splitlines()]
            self.runs = {(entry["scenario"], entry["setting"], entry["repeat"]): entry for entry in entries}

    def drop_other_than(self, fingerprints):
        """Runs of what has changed since; `fingerprints` by (scenario, setting)."""
        self.runs = {run: entry for run, entry in self.runs.items() if entry["of"] == fingerprints.get(run[:2])}

    def __contains__(self, run):
        return run in self.runs

    def add(self, run, entry):
        scenario, setting, repeat = run
        self.runs[run] = {"scenario": scenario, "setting": setting, "repeat": repeat, **entry}
        self.save()

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text("".join(json.dumps(self.runs[run]) + "\n" for run in sorted(self.runs)))
        part.replace(self.path)

    def of(self, scenario, setting):
        return [entry for (a, b, _), entry in self.runs.items() if (a, b) == (scenario, setting)]


def key_of(measure):
    """A measure's name in the results: what a scenario calls it may change, what it is of may not."""
    return measure["of"] + (f"@{measure['window']}" if "window" in measure else "")


def values_of(scenario, output):
    return {key_of(measure): value_of(measure, output) for measure in scenario["measures"]}


def value_of(measure, output):
    """A measure in one run: of the kernel (`vmstat.NAME`, `psi.KIND.some` in us), of a load (`LOAD.NAME` or
    `LOAD.SERIES.NAME`, of which burst is the median of burst, burst-2, burst-3), 1 if `service.NAME` was there at the end, or
    the `writes` of tunables; with `window`, in that window of the run alone."""
    if measure["of"] == "writes":
        return len(output["written"]) if "written" in output else int(output["before"] != output["after"])
    if measure["of"].startswith("service."):
        return int(f"{measure['of'].removeprefix('service.')} active" in output["services"])
    work = output["workload"]
    window = measure.get("window")
    where, *path = measure["of"].split(".")
    if where in ("vmstat", "psi"):
        windows = work["windows"] if window is None else [work["windows"][window]]
        if where == "vmstat":
            return sum(w["vmstat"][path[0]] for w in windows)
        return sum(w["psi_us"][path[0]][path[1]] for w in windows)
    alike = re.compile(re.escape(where) + r"(-\d+)?")
    values = []
    for load in (load for load in work["loads"] if alike.fullmatch(load["name"])):
        if window is not None:
            begins = work["windows"][window]["from_s"]
            (load,) = (part for part in load["windows"] if part["from_s"] == begins)
        values.append(functools.reduce(operator.getitem, path, load))
    return None if None in values else statistics.median(values)


def median(measure, entries):
    values = [entry["values"][key_of(measure)] for entry in entries]
    values = [value for value in values if value is not None]
    if measure.get("unit") == "runs":
        return statistics.fmean(values)
    return statistics.median(values) if values else None


def better_by(measure, value, stock):
    """How many times better than stock; counts up to `noise` are as good as none."""
    noise = measure.get("noise", 0)
    a, b = max(value, noise), max(stock, noise)
    if a == b:
        return 1.0
    if not a or not b:
        a, b = a + 1, b + 1
    return a / b if measure.get("better") == "more" else b / a


def shown(measure, value):
    if value is None:
        return "-"
    if measure.get("unit") == "us":
        power = 2 if value >= 1e6 else 1 if value >= 1e3 else 0
        return f"{value / 1000**power:.3g} {('us', 'ms', 's')[power]}"
    if measure["of"].endswith("bytes_per_s"):
        return f"{value / 1e6:.3g} MB/s"
    if measure.get("unit") == "runs":
        return f"{value:.0%} of the runs"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def in_words(scenario, values):
    return ", ".join(f"{m['name']} {shown(m, values[key_of(m)])}" for m in scenario["measures"])


def lines_of(scenario, settings, results):
    """Of each setting that ran: its name, its medians, and how many times better than stock it is, if that can be said."""
    measures = scenario["measures"]
    medians = {s: [median(m, of) for m in measures] for s in settings if (of := results.of(scenario["name"], s))}
    stock = medians.get("stock", [None])
    return [(setting, values, overall(measures, values, stock)) for setting, values in medians.items()]


def table(scenario, settings, results):
    measures = scenario["measures"]
    lines = [
        "| setting | " + " | ".join(m["name"] for m in measures) + " | better than stock |",
        "|---" * (len(measures) + 2) + "|",
    ]
    for setting, values, better in lines_of(scenario, settings, results):
        cells = [shown(m, v) for m, v in zip(measures, values)]
        lines.append(f"| {setting} | {' | '.join(cells)} | {times(better)} |")
    return "\n".join(lines)


def times(score):
    return "-" if score is None else f"{score:.2f}" if score >= 0.1 else f"{score:.1g}"


def overall(measures, values, stock):
    """The geometric mean over the measures."""
    if None in values or None in stock:
        return None
    return math.exp(statistics.fmean(math.log(better_by(m, v, s)) for m, v, s in zip(measures, values, stock)))


HEAD = """# What it does for real work

Measured by `bench/vm/run`, which made this file: each line is the median of {repeats}, each of which had a freshly booted
guest of 1 GiB to itself, with one processor, or one for each node ({kernel}). The guests' clock counts instructions, so that
figures repeat on a host that does other things, too. memtuned takes 8 MiB of the guest for itself, which its figures contain.
Sizes, rates and settings are in `bench/vm/scenarios.toml`, where a scenario also says which settings can't act on it; any
other line that is missing here has not been run yet. What each run measured is in `effect.jsonl`.

"Better than stock" is the geometric mean over the measures of a line: 2 is twice as good as the kernel's defaults, 0.5
half as good. Of the chart each row is a scenario, and right of the line is better. A wait for fsync is that of whoever would
have come, four times a second, also while another one waits. Who wrote more than the disk does a second left the rest in memory.
What waits for a disk waits for that of the host, too: a mean of 0.4 ms became 0.7 where the host had twice as much to do.

![How many times better than the kernel's defaults each setting is, by scenario](effect.svg)
"""


def write(folder, scenarios, settings, results):
    measured = {name: s for name, s in scenarios.items() if results.of(name, "stock")}
    entries = list(results.runs.values())
    repeats = {len(results.of(name, setting)) for name in measured for setting in settings} - {0}
    parts = [
        HEAD.format(
            repeats=" to ".join(str(n) for n in sorted({min(repeats), max(repeats)})) + (" runs" if max(repeats) > 1 else " run"),
            kernel="kernel " + ", ".join(sorted({entry["kernel"] for entry in entries})),
        )
    ]
    parts += ["| setting | is |", "|---|---|"]
    parts += [f"| {name} | {setting['description']} |" for name, setting in settings.items()]
    for name, scenario in measured.items():
        of_profile = f" Its profile is `{scenario['profile']}`." if results.of(name, "profile") else ""
        parts += ["", f"## {name}", "", f"{sentence(scenario['description'])}{of_profile}", ""]
        parts += [table(scenario, settings, results)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "effect.md").write_text("\n".join(parts) + "\n")
    (folder / "effect.svg").write_text(chart(measured, settings, results))


def sentence(text):
    return text[0].upper() + text[1:] + "."


# --- the chart ---

LEFT, ROW, WIDTH = 190, 26, 820
LEAST, MOST = 1 / 8, 32
COLOURS = {"sysctl": "#9a9a9a", "tuned": "#3b73b9", "memtuned": "#1f8f4d"}


def kind_of(setting):
    return next((kind for kind in ("memtuned", "tuned") if kind in setting), "sysctl")


def across(score):
    share = math.log(min(max(score, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return LEFT + share * (WIDTH - LEFT - 30)


def chart(scenarios, settings, results):
    bottom = 50 + ROW * len(scenarios)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 40}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{bottom + 40}" fill="#ffffff"/>',
    ]
    legend = LEFT
    for kind, label in (("sysctl", "fixed values"), ("tuned", "tuned"), ("memtuned", "memtuned")):
        parts.append(f'<circle cx="{legend}" cy="16" r="5" fill="{COLOURS[kind]}"/>')
        parts.append(f'<text x="{legend + 10}" y="20">{label}</text>')
        legend += 110
    score = LEAST
    while score <= MOST:
        x = across(score)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="34" y2="{bottom}" stroke="{"#000000" if score == 1 else "#dddddd"}"/>'
        )
        label = f"{score:g}x" if score >= 1 else f"1/{1 / score:g}"
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>')
        score *= 2
    for row, (name, scenario) in enumerate(scenarios.items()):
        y = 50 + ROW * row
        parts.append(f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{name}</text>')
        lines = lines_of(scenario, settings, results)
        for setting, _, better in sorted(lines, key=lambda line: list(COLOURS).index(kind_of(settings[line[0]]))):
            if setting != "stock" and better is not None:
                parts.append(
                    f'<circle cx="{across(better):.1f}" cy="{y}" r="5" fill="{COLOURS[kind_of(settings[setting])]}"'
                    f' fill-opacity="0.8"><title>{setting}: {times(better)}</title></circle>'
                )
    return "\n".join([*parts, "</svg>"]) + "\n"
