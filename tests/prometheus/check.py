"""Runs every expression of the dashboard and of the rules against a real Prometheus that scrapes a running driftline.

Every expression must give a non-empty, finite answer; every metric named must be exported, and every exported metric must be named
somewhere. Standard library only. Called by check.sh.
"""

import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DASHBOARD = os.path.join(ROOT, "deploy/grafana/dashboards/driftline.json")
PROVISIONED = os.path.join(ROOT, "deploy/grafana/provisioning/datasources/driftline.yaml")
RULES = os.path.join(ROOT, "deploy/prometheus/driftline.rules.yml")
RULE_TESTS = os.path.join(ROOT, "deploy/prometheus/driftline.test.yml")
CONFIG = os.path.join(ROOT, "deploy/prometheus/prometheus.yml")
RUNBOOK = os.path.join(ROOT, "deploy/prometheus/RUNBOOK.md")

# Exported, but in no panel or rule: for people who look closer.
UNUSED = {
    "driftline_build_info",
    "driftline_event_clock_seconds",
    "driftline_http_connections",
    "driftline_parsed_bytes_total",
    "driftline_training_seconds",
}

SCRAPE_SECONDS = 1
# Long enough for a rate over the scrapes, short enough to fit the wait below.
RATE_INTERVAL = "10s"
WAIT_SECONDS = 12


class Tally:
    """Counts outcomes and prints each one that is not good."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, fault):
        """`fault` is None when all is well, otherwise what is wrong."""
        if fault is None:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {name}: {fault}")

    def skip(self, count, why):
        self.skipped += count
        print(f"*skipped* {count} checks: {why}")

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def dashboard_queries(dashboard):
    """(name, expression) of every target, with Grafana's variables filled in."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", RATE_INTERVAL).replace("$__interval", "1s")
            yield f"panel {panel['title']!r} {target['refId']}", re.sub(r"\$\w+", ".*", expression)


def rules(text):
    """(kind, name, expression) of every rule; the file keeps each expression on its own line."""
    pattern = r"- (record|alert): (\S+)\n\s+expr: (.+)\n"
    return re.findall(pattern, text)


def as_value(expression):
    """A condition as a value: `a > b` is empty while it does not hold, `a > bool b` is 0 or 1."""
    parts = re.split(r"(\{[^}]*\})", expression)
    compare = r"(?<![=!<>])(==|!=|>=|<=|>|<)(?!=)(?!\s*bool)"
    return "".join(part if part.startswith("{") else re.sub(compare, r"\1 bool", part) for part in parts)


def metric_names(expression):
    """Names of driftline's and the process' metrics in an expression, and of recording rules."""
    bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"", "", expression)
    return set(re.findall(r"\b(?:driftline|process)[_:][\w:]+", bare))


def exported_names(text):
    """Families by TYPE line, with the series a histogram has."""
    names = {}
    for family, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M):
        suffixes = ["_bucket", "_sum", "_count"] if kind == "histogram" else [""]
        names.update({family + suffix: family for suffix in suffixes})
    return names


def check_dashboard(tally, dashboard, provisioned):
    uid = re.search(r"^\s+uid: (\S+)$", provisioned, re.M).group(1)
    seen, cells = set(), set()
    for panel in panels(dashboard):
        name = f"panel {panel['title']!r}"
        tally.check(f"{name} id", f"{panel['id']} stands twice" if panel["id"] in seen else None)
        seen.add(panel["id"])
        place = panel["gridPos"]
        mine = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        outside = place["x"] + place["w"] > 24
        tally.check(f"{name} place", "it overlaps another panel or leaves the grid" if outside or mine & cells else None)
        cells |= mine
        if panel["type"] == "row":
            continue
        unit = panel["fieldConfig"]["defaults"].get("unit")
        tally.check(f"{name} unit and description", None if unit and panel.get("description") else "one of them is missing")
        sources = [panel["datasource"]] + [target["datasource"] for target in panel["targets"]]
        wrong = [source for source in sources if source["uid"] != uid]
        tally.check(f"{name} datasource", f"{wrong[0]} is not {uid}" if wrong else None)


def check_runbook(tally, text, runbook):
    headings = {heading.lower() for heading in re.findall(r"^## (\S+)$", runbook, re.M)}
    for alert, body in re.findall(r"- alert: (\S+)\n((?:\s{8}.*\n)+)", text):
        anchor = re.search(r"runbook: RUNBOOK\.md#(\S+)", body)
        known = anchor and anchor.group(1) == alert.lower() and alert.lower() in headings
        tally.check(f"runbook of {alert}", None if known else "there is no section for it")


def check_names(tally, expressions, recorded, exported):
    used = set()
    for name, expression in expressions:
        missing = {metric for metric in metric_names(expression) if metric not in exported and metric not in recorded}
        used |= {exported[metric] for metric in metric_names(expression) if metric in exported}
        tally.check(f"metrics of {name}", f"not exported: {', '.join(sorted(missing))}" if missing else None)
    for family in sorted(set(exported.values())):
        if family.startswith("driftline_"):
            shown = family in used or family in UNUSED
            tally.check(f"use of {family}", None if shown else "it is in no panel, no rule and not in the list of others")


def run_promtool(tally):
    for arguments in (["check", "config", CONFIG], ["check", "rules", RULES], ["test", "rules", RULE_TESTS]):
        done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, cwd=os.path.dirname(CONFIG))
        tally.check(f"promtool {' '.join(arguments[:2])}", None if done.returncode == 0 else done.stdout + done.stderr)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    """A Prometheus of our own on loopback, gone when the block ends."""

    def __init__(self, address):
        self.folder = tempfile.mkdtemp(prefix="driftline-prometheus-")
        config = os.path.join(self.folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                f"global: {{ scrape_interval: {SCRAPE_SECONDS}s, evaluation_interval: {SCRAPE_SECONDS}s }}\n"
                f"rule_files: [{json.dumps(RULES)}]\n"
                f"scrape_configs: [{{ job_name: driftline, static_configs: [{{ targets: [{json.dumps(address)}] }}] }}]\n"
            )
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = open(os.path.join(self.folder, "log"), "w", encoding="utf-8")
        command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.folder}/data"]
        command += [f"--web.listen-address={self.url[7:]}", "--log.level=warn"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self.log.close()
        shutil.rmtree(self.folder)

    def query(self, expression):
        arguments = urllib.parse.urlencode({"query": expression})
        try:
            return json.loads(fetch(f"{self.url}/api/v1/query?{arguments}"))
        except urllib.error.HTTPError as error:
            return json.loads(error.read().decode())

    def fault(self, expression):
        """What is wrong with the answer, or None."""
        answer = self.query(expression)
        if answer["status"] != "success":
            return f"{answer['error']} in {expression}"
        result = answer["data"]["result"]
        values = [result[1]] if answer["data"]["resultType"] == "scalar" else [row["value"][1] for row in result]
        if not values:
            return f"no data for {expression}"
        odd = [value for value in values if not math.isfinite(float(value))]
        return f"{odd[0]} in the answer to {expression}" if odd else None

    def wait(self):
        """Until driftline was scraped often enough for a rate; what went wrong, or None."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                with open(self.log.name, encoding="utf-8") as log:
                    return f"it ended: {log.read()}"
            try:
                up = self.query('up{job="driftline"} == 1')["data"]["result"]
            except (OSError, KeyError):
                up = []
            if up:
                return None
            time.sleep(0.3)
        return "driftline was not scraped within a minute"


def make_requests(address, seconds):
    """Some traffic, so that there is something to measure."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for path in ("/v1/predictions?limit=5", "/v1/drift", "/v1/repos", "/"):
            fetch(f"http://{address}{path}")
        time.sleep(0.5)


def main(address):
    tally = Tally()
    with open(DASHBOARD, encoding="utf-8") as file:
        dashboard = json.load(file)
    texts = {}
    for path in (PROVISIONED, RULES, RUNBOOK):
        with open(path, encoding="utf-8") as file:
            texts[path] = file.read()
    found = rules(texts[RULES])
    recorded = {name for kind, name, _ in found if kind == "record"}
    expressions = list(dashboard_queries(dashboard))
    expressions += [(f"{kind} {name}", as_value(expression) if kind == "alert" else expression) for kind, name, expression in found]
    expressions += [(f"recorded {name}", name) for name in sorted(recorded)]
    tally.check("rules read", None if len(found) == texts[RULES].count("expr:") else "a rule is written differently")
    check_dashboard(tally, dashboard, texts[PROVISIONED])
    check_runbook(tally, texts[RULES], texts[RUNBOOK])
    fetch(f"http://{address}/v1/repos")
    check_names(tally, expressions, recorded, exported_names(fetch(f"http://{address}/metrics")))
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        tally.skip(3 + len(expressions), "prometheus is not installed (Debian: apt-get install prometheus)")
        return tally.finish()
    run_promtool(tally)
    with Prometheus(address) as prometheus:
        fault = prometheus.wait()
        tally.check("prometheus scrapes driftline", fault)
        if fault is None:
            make_requests(address, WAIT_SECONDS)
            for name, expression in expressions:
                tally.check(name, prometheus.fault(expression))
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
