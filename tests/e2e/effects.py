"""What a change of each key causes, on a running group: called by effects.sh with the command, its root and the project.

A line of the table: where, the value before, the value after, and what happens to which container; None: the key isn't there.
The change is made alone, in a commit of its own, and then looked at from outside: init and its namespaces (recreate), the
processes (restart), /app (swap), what they were told (reload), limits (live). What isn't named must stay as it is. Both the
deploy and the effect table (orch explain app) have to say the same. REFUSED: validate takes it, deploy doesn't yet.
SAME: nothing, whatever the table says.
"""
import copy
import json
import os
import subprocess
import sys
import time

ORCH, ROOT, PROJECT = sys.argv[1:4]
REFUSED = "refused"
SAME = "the same in other words"
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
        "spare": {"type": "cache:1.0"},
        "files": {"type": "network-storage:2.0", "disk": 128},
        "others": {"type": "network-storage:2.0", "disk": 128},
    },
    "routes": {"http://{default}/": {"type": "upstream", "upstream": "web:http"}},
    "file": {"page": "one", "api/page": "one", "elsewhere/page": "one"},
}

WEB = {"commands": {"start": SLEEP}}
PLACE = "web web locations / "
RULE = PLACE + "rules \\.x$ "
BOTH = ("web", "web--queue")
SWAP = "web swap, web--queue swap, router reload"
LOCAL = {"source": "local", "source_path": "more"}
SHARED = {"source": "service", "service": "files", "source_path": "more"}
SPARE = {"service": "spare", "endpoint": "main"}
CACHE = {"directory": "c", "watch": ["page"]}
JOB = {"spec": "0 0 29 2 *", "commands": {"start": "true"}}
OPERATION = {"role": "viewer", "commands": {"start": "true", "stop": "true"}, "timeout": 10}
ROUTE = "routes http://{default}/ "
OTHER = "routes http://other.{default}/"
REDIRECT = {"type": "redirect", "to": "http://{default}/"}
PATHS = {"/a": {"to": "/b"}}
ELSEWHERE = "in another row"  # the table tells apart what is deeper than the key, or it is about more than one container


def all_of(names, what):
    return ", ".join(f"{name} {what}" for name in names)


def refused(at, value, *keys):
    """Keys that are only valid together."""
    return [(at, None, value, REFUSED, key) for key in keys]


def shares(at, key, names, size="M", nth=1):
    """What services have, too. nth: so that what takes the place of another's is another value."""
    live, restart = all_of(names, "live"), all_of(names, "restart")
    net = ["192.0.2", "198.51.100", "203.0.113"][nth - 1]
    rule = {"ips": [f"{net}.0/24"], "ports": [443]}
    out = at + "firewall outbound"
    return [
        (at + "size", None, size, live),
        (at + "container_profile", None, ["BALANCED", "HIGH_CPU", "HIGH_MEMORY"][nth - 1], live),
        (at + "resources base_memory", None, 64 + 32 * nth, live),
        (at + "resources memory_ratio", None, 128 + 64 * nth, live),
        (at + "disk", 256, 384, live),
        (at + "relationships to", None, SPARE, restart),
        (at + "relationships to endpoint", "main", "other", restart),
        (at + "relationships to service", "spare", "cache", restart),
        (out, None, [rule], live),
        (out, [rule], [{**rule, "ips": [f"{net}.0/25"]}], live, key + "firewall.outbound.ips"),
        (out, [rule], [{**rule, "ports": [80]}], live, key + "firewall.outbound.ports"),
        (out, [rule], [{"domains": ["example.net"]}], live, key + "firewall.outbound.domains"),
        # There is no other.
        (out, [rule], [{**rule, "protocol": "tcp"}], SAME, key + "firewall.outbound.protocol"),
    ]


def instance(at, key, names, others="", size="M", nth=1):
    """What an app has, and `web` and workers of their own."""
    restart, recreate = all_of(names, "restart"), all_of(names, "recreate")
    return [
        *shares(at, key, names, size, nth),
        # The image that they share has the folders for all of their mounts.
        (at + "mounts more", None, LOCAL, recreate + others),
        (at + "mounts more source_path", "more", "other", recreate),
        (at + "mounts more source", "local", "tmp", recreate),
        (at + "mounts more", SHARED, {**SHARED, "service": "others"}, recreate, key + "mounts.*.service"),
        (at + "mounts more", SHARED, None, recreate + others),
        (at + "variables env A", None, "1", restart),
        (at + "variables env A", "1", "2", restart),
        (at + "access ssh", None, "viewer", ""),
        (at + "timezone", None, ["Europe/Berlin", "Europe/Paris", "Europe/Rome"][nth - 1], "web reload" if "web" in names else ""),
        (at + "additional_hosts example.net", None, "192.0.2.1", restart),
        (at + "additional_hosts example.net", "192.0.2.1", "192.0.2.2", restart),
    ]


def old(key, modern, spelling):
    """The same in a spelling of old."""
    place = {"locations": {"/": modern}}
    return ("web web", {**WEB, **place}, {**WEB, **spelling}, SAME, f"web.{key}")


TABLE = [
    *instance("web ", "", BOTH, ", router reload"),
    # Before `web` and the worker have some of their own.
    ("web variables php memory_limit", None, "64M", "web reload, web--queue restart", ELSEWHERE),
    *instance("web web ", "web.", ("web",), ", web--queue swap, router reload", "L", 2),
    *instance("web workers queue ", "workers.*.", ("web--queue",), ", web swap, router reload", "L", 3),
    ("api disk", None, 128, "api recreate"),
    ("api variables php memory_limit", None, "64M", "api reload", ELSEWHERE),
    ("api name", None, "apart", "apart create, api remove", ELSEWHERE),
    ("api name", "apart", None, "api create, apart remove", ELSEWHERE),
    ("api type", "app:1.0", "app:1.1", "api recreate"),
    ("api stack", None, ["app@1.0"], REFUSED),
    ("api", {"type": "app:1.0", "build": {"flavor": "none"}}, {"type": "app:1.0", "toolstack": "app:none"}, SAME, "toolstack"),
    ("api", {"type": "app:1.0"}, BASE["app"]["api"], "api swap", "source.root"),
    ("web move_to_root", None, True, REFUSED),
    ("web web move_to_root", None, True, REFUSED),
    ("web web commands start", SLEEP, SLEEP + "0", "web restart"),
    ("web web commands pre_start", None, "true", "web restart"),
    ("web web commands post_start", None, "true", "web restart"),
    ("api web commands start", None, SLEEP, "api restart"),
    ("api web commands start", SLEEP, None, "api restart"),
    # The router keeps no answers of other code. An app has the project's folder, with all other apps in it.
    ("file page", "one", "two", SWAP),
    ("file api/page", "one", "two", "api swap, " + SWAP),
    ("web web upstream socket_family", None, "unix", "web restart"),
    ("web web upstream protocol", None, "fastcgi", "web restart"),
    ("web web locations /x", None, {"root": "elsewhere"}, "web reload"),
    ("api web locations /x", None, {"root": "elsewhere"}, "api reload"),
    (PLACE + "root", "", "elsewhere", "web reload"),
    (PLACE + "index", None, ["page"], "web reload"),
    (PLACE + "allow", None, False, "web reload"),
    (PLACE + "scripts", None, False, "web reload"),
    (PLACE + "expires", None, "1h", "web reload"),
    (PLACE + "passthru", True, "/page", "web reload"),
    (PLACE + "headers X-A", None, "1", "web reload"),
    (PLACE + "request_buffering enabled", None, False, "web reload"),
    (PLACE + "request_buffering max_request_size", None, "1m", "web reload"),
    (PLACE + "rules \\.x$", None, {"allow": True}, "web reload"),
    (RULE + "allow", True, False, "web reload"),
    (RULE + "scripts", None, True, "web reload"),
    (RULE + "expires", None, "2h", "web reload"),
    (RULE + "passthru", None, False, "web reload"),
    (RULE + "headers X-B", None, "2", "web reload"),
    old("document_root", {"root": "elsewhere"}, {"document_root": "/elsewhere"}),
    old("passthru", {"passthru": "/page"}, {"passthru": "/page"}),
    old("index_files", {"index": ["page"]}, {"index_files": ["page"]}),
    old("whitelist", {"allow": False, "rules": {"a": {"allow": True}}}, {"whitelist": ["a"]}),
    old("blacklist", {"rules": {"a": {"allow": False}}}, {"blacklist": ["a"]}),
    old("expires", {"expires": "1h"}, {"expires": "1h"}),
    ("web workers more", None, WEB, "web--more create", ELSEWHERE),
    ("web workers more commands start", SLEEP, SLEEP + "0", "web--more restart"),
    ("web workers more commands pre_start", None, "true", "web--more restart"),
    ("web workers more commands post_start", None, "true", "web--more restart"),
    ("web workers more", {"commands": {"start": SLEEP}}, None, "web--more remove", ELSEWHERE),
    ("web crons never", None, JOB, "web reload"),
    ("web crons never spec", "0 0 29 2 *", "0 1 29 2 *", "web reload"),
    ("web crons never commands start", "true", "false", "web reload"),
    ("web crons never commands stop", None, "true", "web reload"),
    ("web crons never shutdown_timeout", None, 5, "web reload"),
    ("web crons never timeout", None, 60, "web reload"),
    ("web crons never", JOB, {"spec": "0 0 29 2 *", "cmd": "true"}, SAME, "crons.*.cmd"),
    ("api crons never", None, JOB, "api reload"),
    ("web hooks build", None, "echo 1 >built", SWAP),
    ("api hooks build", None, "echo 1 >built", "api swap"),
    ("web hooks deploy", None, "true", ""),
    ("web hooks post_deploy", None, "true", ""),
    ("web hooks clone", None, "true", ""),
    ("web build flavor", None, "none", SWAP),
    ("web build caches c", None, CACHE, SWAP),
    ("web build caches c directory", "c", "d", SWAP),
    ("web build caches c watch", ["page"], ["api/page"], SWAP),
    ("web build caches c allow_stale", None, True, SWAP),
    ("web build caches c share_between_apps", None, True, SWAP),
    *[(f"api dependencies {k} left-pad", None, "1", "api swap") for k in ("php", "python", "python2", "python3", "ruby", "nodejs")],
    ("web runtime extensions", None, ["a"], all_of(BOTH, "restart")),
    ("web runtime xdebug", None, {"idekey": "x"}, all_of(BOTH, "restart")),
    ("web source operations up", None, {"command": "true"}, ""),
    ("web source operations up command", "true", "false", ""),
    ("web operations o", None, OPERATION, "web reload"),
    ("web operations o role", "viewer", "admin", "web reload"),
    ("web operations o commands start", "true", "false", "web reload"),
    ("web operations o commands stop", "true", "false", "web reload"),
    ("web operations o timeout", 10, 20, "web reload"),
    ("web preflight", None, {"enabled": True}, "", "preflight.enabled"),
    ("web preflight ignored_rules", None, ["a"], ""),
    *shares("services db ", "*.", ("db",)),
    ("services db type", "store:1.0", "store:1.1", "db recreate"),
    ("services db configuration a", None, "1", "db restart"),
    ("services db configuration a", "1", "2", "db restart"),
    ("services db access a", None, "b", ""),
    (OTHER, None, REDIRECT, "router reload", "*.to"),
    (OTHER, REDIRECT, {"type": "upstream", "upstream": "web:http"}, "router reload", "*.type"),
    (ROUTE + "upstream", "web:http", "api:http", "router reload"),
    (OTHER + " primary", None, True, "router reload"),
    (ROUTE + "id", None, "a", "router reload"),
    (ROUTE + "attributes a", None, "b", "router reload"),
    (ROUTE + "tls strict_transport_security enabled", None, True, "router reload"),
    (ROUTE + "tls strict_transport_security include_subdomains", None, True, "router reload"),
    (ROUTE + "tls strict_transport_security preload", None, True, "router reload"),
    (ROUTE + "tls min_version", None, "TLSv1.3", "router reload"),
    (ROUTE + "tls client_authentication", None, "request", REFUSED),
    (ROUTE + "tls client_certificate_authorities", None, ["a"], "router reload"),
    (ROUTE + "cache enabled", True, False, "router reload"),
    (ROUTE + "cache default_ttl", None, 10, "router reload"),
    (ROUTE + "cache cookies", None, ["a"], "router reload"),
    (ROUTE + "cache headers", None, ["a"], "router reload"),
    (ROUTE + "ssi enabled", True, False, "router reload"),
    (ROUTE + "sticky enabled", True, False, "router reload"),
    (ROUTE + "redirects", None, {"paths": PATHS}, "router reload", "*.redirects.paths"),
    (ROUTE + "redirects expires", None, "1h", "router reload"),
    (ROUTE + "redirects paths /a to", "/b", "/c", "router reload"),
    (ROUTE + "redirects paths /a regexp", None, True, "router reload"),
    (ROUTE + "redirects paths /a", {"to": "/b", "prefix": True}, {"to": "/b", "prefix": False}, "router reload", "*.redirects.paths.*.prefix"),
    (ROUTE + "redirects paths /a append_suffix", None, False, "router reload"),
    (ROUTE + "redirects paths /a code", None, 301, "router reload"),
    (ROUTE + "redirects paths /a expires", None, "1h", "router reload"),
    # The app's own program goes on, although its routes are others by now.
    ("web crons never timeout", 60, 90, "web reload"),
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
    if len(words) == 1:
        return state["app"], path
    at = state["app"][words[0]] if words[0] in state["app"] else state[words[0]]
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
    for name, text in state["file"].items():
        with open(f"{PROJECT}/{name}", "w") as f:
            f.write(text)
    subprocess.run(["git", "commit", "-q", "-a", "--allow-empty", "-m", "change"], cwd=PROJECT, check=True)


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
    """Of the app's image, and of volumes by path: the volume's image and folder, and which file system is in it."""
    app, others = None, {}
    for line in read(f"/proc/{pid}/mountinfo").splitlines():
        words = line.split()
        if words[4] == "/app":
            app = (words[0], words[2])  # the topmost is the last
        elif words[4].startswith(("/app/", "/mnt")):
            volume = words[words.index("-") + 1] == "ext4"
            image = read(f"/sys/dev/block/{words[2]}/loop/backing_file").strip() if volume else ""
            others[words[4]] = image + words[3], os.statvfs(f"/proc/{pid}/root{words[4]}").f_fsid if volume else None
    return app, others


def quota(pid):
    """What the kernel keeps back of its volumes."""
    devices = set()
    for line in read(f"/proc/{pid}/mountinfo").splitlines():
        words = line.split()
        if words[words.index("-") + 1] == "ext4":
            devices.add(os.path.basename(os.readlink(f"/sys/dev/block/{words[2]}")))
    return sorted(read(f"/sys/fs/ext4/{d}/reserved_clusters") for d in devices)


def doors():
    """What the environment's router lets out, by who it is."""
    found = {}
    routers = [line.split()[4] for line in read("/proc/self/mountinfo").splitlines() if " - nsfs " in line]
    for router in routers:
        done = subprocess.run(["nsenter", f"--net={router}", "nft", "-j", "list", "ruleset"], capture_output=True, text=True)
        for item in json.loads(done.stdout)["nftables"]:
            for element in item.get("set", {}).get("elem", []) if item.get("set", {}).get("name") in ("egress", "anywhere", "outbound") else []:
                who = element["concat"][0] if isinstance(element, dict) else element
                found.setdefault(who, []).append([item["set"]["name"], element])
    return found


def look(what=""):
    """What takes long is only looked at where it is about it."""
    found, out = {}, doors() if " firewall" in what else None
    for c in json.loads(orch("ps", "--json").stdout)["containers"]:
        pid = c["pid"]
        app, others = mounts(pid)
        config = read(f"/proc/{pid}/root/run/orch/config.json")
        found[c["container"]] = {
            "init": (pid, started(pid)),
            "net": os.readlink(f"/proc/{pid}/ns/net"),
            # Open, so that no other one gets its number; of that kind, because nothing is lost with it.
            "namespaces": open(f"/proc/{pid}/ns/uts", "rb"),
            "processes": processes(pid),
            "app": app,
            "mounts": others,
            "limits": limits(pid),
            "out": out.get(json.loads(config)["address"], []) if out is not None else None,
            "quota": quota(pid) if " disk" in what else None,
            "config": config,
        }
    return found


def cause(old, new):
    """By what was seen alone."""
    if not old or not new:
        return "create" if new else "remove"
    for path in old["mounts"].keys() & new["mounts"].keys():
        (before, was), (after, now) = old["mounts"][path], new["mounts"][path]
        if before == after and was != now:
            return f"the data in {path} is lost"
    if old["init"] != new["init"]:
        same = os.path.sameopenfile(old["namespaces"].fileno(), new["namespaces"].fileno())
        return "another init in the same namespaces" if same else "recreate"
    if old["net"] != new["net"]:
        return "another network under the same init"
    before, after = old["processes"], new["processes"]
    if before.keys() != after.keys():
        return f"other processes: {before} {after}"
    again = [name for name in before if before[name][:2] != after[name][:2]]
    told = [name for name in before if name not in again and before[name][2] != after[name][2]]
    if old["app"] != new["app"]:
        return "restart with a swap" if "front" in again else "swap"
    if again:
        return "restart" if len(again) == len(before) else f"restart of {again} alone"
    if told or old["config"] != new["config"]:
        return "reload"
    if old["mounts"] != new["mounts"]:
        return f"other mounts in the same container: {old['mounts']} {new['mounts']}"
    if any(old[k] != new[k] and None not in (old[k], new[k]) for k in ("limits", "out", "quota")):
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
    kind = words[0] if words[0] in ("services", "routes", "file") else "app"
    words = [w for w in words[1:] if not w.isdigit()]
    for n in range(len(words), 0, -1):
        for key in keys.get(kind, ()):
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
            if e.get("name") and e.get("event") in ("create", "recreate", "restart", "swap", "reload", "live", "remove"):
                said[e["name"]] = e["event"]
        return done, said

    def settle(self, what):
        done, _ = self.deploy(what)
        if done.returncode:
            self.fail(f"{what}: before", done.stderr.strip())
            return False
        self.seen = look(what)
        return True

    def observe(self, what, expected):
        """Signals and ends take a moment; what was to stay has until the next line to be seen."""
        for _ in range(40):
            now = look(what)
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
        if self.observe(what, {}):
            return self.fail(f"{what}: was refused, and changed something")
        self.passed += 1

    def line(self, path, before, after, expected, of=None):
        kind, key = key_of(self.keys, path)
        if of and of != ELSEWHERE:
            key = of
        what = f"{path}: {json.dumps(before)} -> {json.dumps(after)}"
        if kind != "file" and key not in self.keys[kind]:
            return self.fail(f"{what}: no key {key}")
        self.done.add((kind, key))
        if expected == REFUSED:
            return self.refused(what, path, before, after)
        at, word = place(self.state, path)
        if at.get(word) != before:
            put(self.state, path, before)
            if not self.settle(what):
                put(self.state, path, after)
                return
        elif " disk" in path or " firewall" in path:
            self.seen = look(path)
        put(self.state, path, after)
        done, said = self.deploy(what)
        if done.returncode:
            self.fail(what, done.stderr.strip())
            put(self.state, path, before)
            self.settle(what)
            return
        same = expected == SAME
        expected = {} if same else named(expected)
        seen = self.observe(what, expected)
        if seen != expected:
            return self.fail(what, f"seen:     {seen}", f"expected: {expected}", f"said:     {said}")
        if said != expected and of != ELSEWHERE:
            return self.fail(what, f"the deploy said {said}, and it was {seen}")
        row = self.keys.get(kind, {}).get(key)
        table = row and row["presence" if before is None or after is None else "effect"]
        strongest = next(iter(expected.values()), "none")
        if table is not None and table != strongest and of != ELSEWHERE and not same:
            return self.fail(what, f"the table says {table}, and it was {strongest}")
        self.passed += 1

    def run(self):
        write(self.state)
        subprocess.run(["git", "add", "."], cwd=PROJECT, check=True)
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
