"""What a change of each key causes, on a running group: called by effects.sh with the command, its root and the project.

A line of the table: where, the value before, the value after, and what happens to which container; None: the key isn't there.
The change is made alone, in a commit of its own, and then looked at from outside: init and its namespaces (recreate), the
processes (restart), /app (swap), what they were told (reload), limits (live). What isn't named must stay as it is. Both the
deploy and the effect table (orch explain app) have to say the same. REFUSED: validate takes it, deploy doesn't yet.
"""
import copy
import json
import os
import re
import subprocess
import sys
import time

ORCH, ROOT, PROJECT = sys.argv[1:4]
REFUSED = "refused"
SLEEP = "exec sleep 100000"
PAGE = {"/": {"root": "", "passthru": True}}

BASE = {
    "app": {
        "web": {
            "type": "app:1.0",
            "disk": 128,
            "mounts": {"data": {"source": "local", "source_path": "data"}},
            "web": {"commands": {"start": SLEEP}, "locations": PAGE},
            "workers": {"queue": {"commands": {"start": SLEEP}}},
        },
        # Its process is the image's own.
        "api": {"type": "app:1.0", "source": {"root": "api"}},
    },
    "services": {
        "db": {"type": "store:1.0", "disk": 128},
        "cache": {"type": "cache:1.0"},
        "files": {"type": "network-storage:2.0", "disk": 128},
    },
    "routes": {"http://{default}/": {"type": "upstream", "upstream": "web:http"}},
}

L = "web web locations / "
R = L + "rules \\.x$ "
ROUTE = "routes http://{default}/ "
RULE = {"ips": ["192.0.2.0/24"]}
WEB = "web swap, web--queue swap"
BOTH = "web restart, web--queue restart"
CACHE = {"directory": "c", "watch": ["page"]}

TABLE = [
    ("web size", None, "M", "web live, web--queue live"),
    ("web disk", 128, 256, "web live, web--queue live"),
    # Each has a volume or none; of an app without mounts nothing is kept but what its container has.
    ("api disk", None, 128, "api recreate"),
    ("web relationships db", None, {"service": "db", "endpoint": "main"}, BOTH),
    ("web relationships db endpoint", "main", "other", BOTH),
    ("web relationships db service", "db", "cache", BOTH),
    ("web mounts more", None, {"source": "local", "source_path": "more"}, "web recreate, web--queue recreate"),
    ("web mounts more source", "local", "tmp", "web recreate, web--queue recreate"),
    ("web mounts more source_path", "more", "other", "web recreate, web--queue recreate"),
    ("web mounts more", None, {"source": "service", "service": "files", "source_path": "more"}, "web recreate, web--queue recreate"),
    ("web mounts more", {"source": "local", "source_path": "more"}, None, "web recreate, web--queue recreate"),
    ("web variables env A", None, "1", BOTH),
    ("web variables env A", "1", "2", BOTH),
    ("web variables php memory_limit", None, "64M", "web reload, web--queue restart", "php"),
    ("api variables php memory_limit", None, "64M", "api reload", "php"),
    ("web access ssh", None, "viewer", ""),
    ("web additional_hosts example.net", None, "192.0.2.1", BOTH),
    ("web timezone", None, "Europe/Berlin", REFUSED),
    ("web firewall outbound", None, [RULE], REFUSED),
    ("web firewall outbound 0 protocol", None, [RULE], REFUSED),
    ("web firewall outbound 0 ips", None, [RULE], REFUSED),
    ("web firewall outbound 0 domains", None, [RULE], REFUSED),
    ("web firewall outbound 0 ports", None, [RULE], REFUSED),
]


def orch(*args):
    return subprocess.run([ORCH, "--root", ROOT, *args], cwd=PROJECT, capture_output=True, text=True)


def read(path):
    with open(path) as f:
        return f.read()


# ---- the manifest


def place(state, path):
    """The map that the last word is in, and that word."""
    words = path.split(" ")
    at = state[words[0]] if words[0] in ("services", "routes") else state["app"][words[0]]
    for word in words[1:-1]:
        at = at[int(word)] if isinstance(at, list) else at.setdefault(word, {})
    return at, words[-1]


def put(state, path, value):
    at, word = place(state, path)
    if value is None:
        at.pop(word, None)
    else:
        at[word] = copy.deepcopy(value)


def write(state):
    apps = [{"name": name, **app} for name, app in state["app"].items()]
    for name, tree in (("applications", apps), ("services", state["services"]), ("routes", state["routes"])):
        with open(f"{PROJECT}/.platform/{name}.yaml", "w") as f:
            json.dump(tree, f, indent=1)
    subprocess.run("git add -A && git commit -q --allow-empty -m change", shell=True, cwd=PROJECT, check=True)


# ---- the group


def started(pid):
    return int(read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[19])


def limits(pid):
    """Of memory, processors and processes; wherever cgroups are."""
    found = {}
    for line in read(f"/proc/{pid}/cgroup").split():
        _, kinds, path = line.split(":", 2)
        for kind in (kinds or "").split(","):
            for file in ("memory.limit_in_bytes", "cpu.cfs_quota_us", "pids.max", "memory.max", "cpu.max"):
                full = f"/sys/fs/cgroup/{kind}{path}/{file}"
                if os.path.exists(full):
                    found[file] = read(full).strip()
    return found


def processes(pid):
    """Of an init, by name: pid, start time, and how often it was told something."""
    found = {}
    for child in read(f"/proc/{pid}/task/{pid}/children").split():
        name = "front" if "front" in read(f"/proc/{child}/cmdline").split("\0") else "main"
        comm = read(f"/proc/{child}/comm").strip()
        found[name] = (child, started(child), int(comm[5:]) if comm.startswith("hups-") else 0)
    return found


def mounts(pid):
    app, others = None, {}
    for line in read(f"/proc/{pid}/mountinfo").splitlines():
        words = line.split()
        if words[4] == "/app":
            app = (words[0], words[2])  # the topmost is the last
        elif words[4].startswith(("/app/", "/mnt")):
            others[words[4]] = words[3]
    return app, others


def quotas():
    pool = f"{ROOT}/var/lib/orch/pool"
    done = subprocess.run(["btrfs", "qgroup", "show", "-re", "--raw", pool], capture_output=True, text=True)
    return sorted(line.split()[0::3] for line in done.stdout.splitlines() if line.startswith("0/"))


def look():
    found = {}
    for c in json.loads(orch("ps", "--json").stdout)["containers"]:
        pid = c["pid"]
        app, others = mounts(pid)
        found[c["container"]] = {
            "init": (pid, started(pid)),
            "net": os.readlink(f"/proc/{pid}/ns/net"),
            "processes": processes(pid),
            "app": app,
            "mounts": others,
            "limits": limits(pid),
            "config": read(f"/proc/{pid}/root/run/orch/config.json"),
        }
    return found


def cause(old, new):
    """By what was seen alone."""
    if not old or not new:
        return "create" if new else "remove"
    if old["init"] != new["init"]:
        return "recreate" if old["net"] != new["net"] else "another init in the same namespace"
    if old["net"] != new["net"]:
        return "another network under the same init"
    before, after = old["processes"], new["processes"]
    if before.keys() != after.keys():
        return f"other processes: {before} {after}"
    again = [name for name in before if before[name][:2] != after[name][:2]]
    told = [name for name in before if name not in again and before[name][2] != after[name][2]]
    if old["app"] != new["app"]:
        return "swap"
    if again:
        return "restart" if len(again) == len(before) else f"restart of {again} alone"
    if told or old["config"] != new["config"]:
        return "reload"
    if old["limits"] != new["limits"]:
        return "live"
    return "none"


def named(expected):
    return dict(part.strip().split(" ", 1) for part in expected.split(",") if part.strip())


# ---- the table against the keys that there are


def keys_of(file):
    return {k["key"]: k for k in json.loads(orch("explain", file, "--json").stdout)["keys"]}


def key_of(keys, path):
    """The key that a line is about: the longest that the path goes along."""
    words = path.split(" ")
    kind = words[0] if words[0] in ("services", "routes") else "app"
    words = [w for w in words[1:] if not w.isdigit()]
    for n in range(len(words), 0, -1):
        for key in keys[kind]:
            parts = key.split(".")
            if len(parts) == n and all(p in ("*", w) for p, w in zip(parts, words)):
                return kind, key
    return kind, None


class Scenario:
    def __init__(self):
        self.failed = self.passed = 0
        self.state = copy.deepcopy(BASE)
        self.keys = {file: keys_of(file) for file in ("app", "services", "routes")}
        self.done = set()

    def fail(self, what, *details):
        self.failed += 1
        print(f"FAILED: {what}", *[f"    {d}" for d in details], sep="\n")

    def deploy(self, what):
        """Whether it went well, and what it says that it did."""
        write(self.state)
        done = orch("deploy", "--json")
        if done.returncode:
            return done, {}
        said = {}
        for line in done.stdout.splitlines():
            e = json.loads(line)
            if e["name"] and e["event"] in ("create", "recreate", "restart", "swap", "reload", "live", "none", "remove"):
                said[e["name"]] = e["event"]
        return done, said

    def settle(self, what):
        done, _ = self.deploy(what)
        if done.returncode:
            self.fail(f"{what}: before", done.stderr.strip())
            return False
        self.seen = look()
        return True

    def observe(self, expected):
        """Signals and ends take a moment; what was to stay has until the next line to be seen."""
        for _ in range(40):
            now = look()
            causes = {name: cause(self.seen.get(name), now.get(name)) for name in self.seen.keys() | now.keys()}
            seen = {name: c for name, c in causes.items() if c != "none"}
            if seen == expected:
                break
            time.sleep(0.05)
        self.seen = now
        return seen

    def refused(self, what, path, before, after):
        saved = copy.deepcopy(self.state)
        put(self.state, path, after)
        write(self.state)
        checked, done = orch("validate"), orch("deploy")
        self.state = saved
        if checked.returncode:
            return self.fail(f"{what}: isn't valid", checked.stderr.strip())
        if done.returncode != 2:
            return self.fail(f"{what}: is deployed by now; say in effects.py what a change of it causes", done.stderr.strip())
        if self.observe({}):
            return self.fail(f"{what}: was refused, and changed something")
        self.passed += 1

    def line(self, path, before, after, expected, deeper=None):
        kind, key = key_of(self.keys, path)
        what = f"{path}: {json.dumps(before)} -> {json.dumps(after)}"
        if not key:
            return self.fail(f"{what}: no such key")
        self.done.add((kind, key))
        if expected == REFUSED:
            return self.refused(what, path, before, after)
        at, word = place(self.state, path)
        if at.get(word) != before:
            put(self.state, path, before)
            if not self.settle(what):
                put(self.state, path, after)
                return
        put(self.state, path, after)
        done, said = self.deploy(what)
        if done.returncode:
            self.fail(what, done.stderr.strip())
            put(self.state, path, before)
            self.settle(what)
            return
        expected = named(expected)
        seen = self.observe(expected)
        if seen != expected:
            return self.fail(what, f"seen:     {seen}", f"expected: {expected}", f"said:     {said}")
        row = self.keys[kind][key]
        table = row["presence" if before is None or after is None else "effect"]
        strongest = next(iter(expected.values()), "none")
        if not deeper and not row["old"] and table is not None and table != strongest:
            return self.fail(what, f"the table says {table}, and it was {strongest}")
        self.passed += 1

    def run(self):
        if not self.settle("the first deploy"):
            return
        for line in TABLE:
            self.line(*line)
        for file, keys in self.keys.items():
            for key, row in keys.items():
                if (row["effect"] or row["old"]) and (file, key) not in self.done:
                    self.fail(f"{file}.yaml: {key} has no line in effects.py")


scenario = Scenario()
begin = time.monotonic()
scenario.run()
print(f"effects: {scenario.passed} lines passed, {scenario.failed} failed, {time.monotonic() - begin:.0f} s")
sys.exit(scenario.failed > 0)
