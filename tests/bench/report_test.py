#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bench/vm/report.py on figures that were made up: what it takes for a run, a median, and better than stock."""

import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import tomllib
import unittest

bench = pathlib.Path(__file__).resolve().parents[2] / "bench/vm"
sys.path.insert(0, str(bench))
sys.dont_write_bytecode = True

import report  # noqa: E402


def program(path):
    loader = importlib.machinery.SourceFileLoader("run", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
    loader.exec_module(module)
    return module


run_program = program(bench / "run")

SCENARIO = {
    "name": "work",
    "description": "a load",
    "profile": "desktop",
    "measures": [
        {"name": "stalls", "of": "vmstat.allocstall", "noise": 10},
        {"name": "p99", "of": "burst.fault.p99_us", "unit": "us"},
        {"name": "written", "of": "burst.bytes_per_s", "better": "more"},
    ],
}
SETTINGS = {
    "stock": {"name": "stock", "description": "nothing"},
    "fixed": {"name": "fixed", "description": "a value", "sysctl": {"vm.swappiness": "1"}},
}


def window(begins, stalls, waited=0):
    return {"from_s": begins, "vmstat": {"allocstall": stalls}, "psi_us": {"memory": {"some": waited}}}


def run(stalls, p99, speed=1_000_000, **more):
    load = {"name": "burst", "fault": {"p99_us": p99}, "bytes_per_s": speed, "windows": []}
    return {"workload": {"windows": [window(0, stalls)], "loads": [load]}, **more}


def measure(of, **more):
    return {"name": of, "of": of, **more}


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.results = report.Results(self.folder / "effect.jsonl")

    def add(self, setting, *runs, scenario=SCENARIO):
        for repeat, output in enumerate(runs):
            entry = {"of": "now", "kernel": "6.1", "values": report.values_of(scenario, output)}
            self.results.add(("work", setting, repeat), entry)

    def rows(self):
        return report.table(SCENARIO, SETTINGS, self.results).splitlines()[2:]

    def test_a_row_is_the_median_of_the_runs_and_the_geometric_mean_of_how_much_better_they_are(self):
        self.add("stock", run(80, 100), run(500, 900), run(90, 80))
        self.add("fixed", run(45, 50), run(45, 50), run(45, 50))
        self.assertEqual(self.rows(), ["| stock | 90 | 100 us | 1 MB/s | 1.00 |", "| fixed | 45 | 50 us | 1 MB/s | 1.59 |"])

    def test_more_is_better_where_the_measure_says_so(self):
        self.add("stock", run(20, 100))
        self.add("fixed", run(20, 100, speed=8_000_000))
        self.assertEqual(self.rows()[1], "| fixed | 20 | 100 us | 8 MB/s | 2.00 |")

    def test_counts_within_the_noise_are_as_good_as_none(self):
        self.add("stock", run(0, 100))
        self.add("fixed", run(9, 100))
        self.assertEqual(self.rows()[1], "| fixed | 9 | 100 us | 1 MB/s | 1.00 |")

    def test_what_is_much_worse_is_not_called_nought(self):
        self.add("stock", run(0, 100))
        self.add("fixed", run(1_000_000, 2_000_000))
        self.assertEqual(self.rows()[1], "| fixed | 1,000,000 | 2 s | 1 MB/s | 0.0008 |")

    def test_what_did_not_run_has_no_row(self):
        self.add("stock", run(0, 100))
        self.assertEqual(len(self.rows()), 1)

    def test_what_was_measured_is_there_when_the_next_run_begins(self):
        self.add("stock", run(80, 100))
        again = report.Results(self.folder / "effect.jsonl")
        self.assertEqual(report.table(SCENARIO, SETTINGS, again).splitlines()[2], "| stock | 80 | 100 us | 1 MB/s | 1.00 |")

    def test_what_was_measured_before_a_change_counts_no_more(self):
        self.add("stock", run(80, 100))
        self.results.drop_other_than({("work", "stock"): "now"})
        self.assertIn(("work", "stock", 0), self.results)
        self.results.drop_other_than({("work", "stock"): "later"})
        self.assertNotIn(("work", "stock", 0), self.results)
        self.add("fixed", run(40, 50))
        self.assertEqual((self.folder / "effect.jsonl").read_text().count("\n"), 1)

    def test_a_measure_may_be_of_one_window(self):
        entry = run(0, 1)
        entry["workload"]["windows"] = [window(0, 5, 7), window(30, 2, 1)]
        entry["workload"]["loads"][0]["windows"] = [{"from_s": 30, "bytes_per_s": 3}]
        self.assertEqual(report.value_of(measure("vmstat.allocstall"), entry), 7)
        self.assertEqual(report.value_of(measure("vmstat.allocstall", window=1), entry), 2)
        self.assertEqual(report.value_of(measure("psi.memory.some", window=0), entry), 7)
        self.assertEqual(report.value_of(measure("burst.bytes_per_s", window=1), entry), 3)

    def test_a_measure_of_several_processes_of_a_kind_is_their_median(self):
        entry = run(0, 40)
        for name, p99 in (("burst-2", 70), ("burst-3", 50), ("burster", 1)):
            entry["workload"]["loads"].append({"name": name, "fault": {"p99_us": p99}})
        self.assertEqual(report.value_of(measure("burst.fault.p99_us"), entry), 50)
        entry["workload"]["loads"][1]["fault"]["p99_us"] = None
        self.assertIsNone(report.value_of(measure("burst.fault.p99_us"), entry))

    def test_a_service_lived_in_a_share_of_the_runs(self):
        lived = measure("service.db", unit="runs")
        runs = (run(0, 1, services=services) for services in (["db inactive", "job active"], ["db active", "job failed"]))
        self.add("stock", *runs, scenario={"measures": [lived]})
        self.assertEqual(report.shown(lived, report.median(lived, self.results.of("work", "stock"))), "50% of the runs")

    def test_writes_are_memtuneds_own_or_that_something_changed(self):
        self.assertEqual(report.value_of(measure("writes"), run(0, 1, written=[{}, {}], before=[], after=[])), 2)
        self.assertEqual(report.value_of(measure("writes"), run(0, 1, before=["a = 1"], after=["a = 1"])), 0)
        self.assertEqual(report.value_of(measure("writes"), run(0, 1, before=["a = 1"], after=["a = 2"])), 1)

    def test_the_report_has_a_table_and_a_chart(self):
        self.add("stock", run(80, 100))
        self.add("fixed", run(40, 50))
        report.write(self.folder / "docs", {"work": SCENARIO}, SETTINGS, self.results)
        text = (self.folder / "docs/effect.md").read_text()
        self.assertIn("## work\n\nA load.\n", text)
        self.assertIn("| fixed | a value |", text)
        self.assertIn("<title>fixed: 1.59</title>", (self.folder / "docs/effect.svg").read_text())


class Fingerprint(unittest.TestCase):
    def of_rules(self, text, included=""):
        with tempfile.TemporaryDirectory() as name:
            (pathlib.Path(name) / "a.toml").write_text('include = ["b"]\n' + text)
            (pathlib.Path(name) / "b.toml").write_text(included)
            return run_program.rules_of(pathlib.Path(name), "a")

    def test_what_a_rule_says_of_itself_changes_nothing_that_was_measured(self):
        rule = '[[rule]]\nname = "a"\ndescription = "{}"\nwhen = "{}"\n'
        self.assertEqual(self.of_rules(rule.format("x", "b")), self.of_rules("# c\n" + rule.format("y", "b")))
        self.assertNotEqual(self.of_rules(rule.format("x", "b")), self.of_rules(rule.format("x", "c")))
        self.assertNotEqual(self.of_rules(""), self.of_rules("", included=rule.format("x", "b")))

    def test_a_setting_of_memtuned_depends_on_its_sources_and_others_do_not(self):
        scenarios, settings = run_program.load_plan()
        self.assertEqual(len({run_program.sources(profile) for profile in ("", "balanced", "zram")}), 3)
        of = {run_program.fingerprint(scenarios["bursts-over-cache"], setting) for setting in settings.values()}
        self.assertEqual(len(of), len(settings))


class Plan(unittest.TestCase):
    def test_what_a_scenario_names_exists(self):
        plan = tomllib.loads((bench / "scenarios.toml").read_text())
        settings = {setting["name"] for setting in plan["setting"]}
        profiles = {file.stem for file in (bench.parents[1] / "rules").glob("*.toml")}
        for scenario in plan["scenario"]:
            with self.subTest(scenario["name"]):
                self.assertLessEqual(set(scenario.get("settings", [])), settings)
                self.assertIn("stock", scenario.get("settings", settings))
                self.assertIn(scenario["profile"], profiles)
                loads = {load.split(":")[0] for load in run_program.loads_of(scenario)}
                for of in (m["of"] for m in scenario["measures"]):
                    where, *path = of.split(".")
                    known = {"vmstat", "psi", "service", "writes"} | loads
                    self.assertIn(where, known, of)
                    if where == "service":
                        self.assertIn(path[0], scenario["services"])

    def test_the_report_that_is_published_is_made_of_the_figures_beside_it(self):
        plan = tomllib.loads((bench / "scenarios.toml").read_text())
        scenarios, settings = ({entry["name"]: entry for entry in plan[kind]} for kind in ("scenario", "setting"))
        docs = bench.parents[1] / "docs"
        with tempfile.TemporaryDirectory() as name:
            report.write(pathlib.Path(name), scenarios, settings, report.Results(docs / "effect.jsonl"))
            for file in ("effect.md", "effect.svg"):
                self.assertEqual((pathlib.Path(name) / file).read_text(), (docs / file).read_text())


if __name__ == "__main__":
    unittest.main()
