#!/usr/bin/env python3
"""The house rules as a test: reads the sources and prints `file:line: what is wrong`.

Usage: tidy.py [ROOT] [--build DIR] [--update]
--build   a build folder: each source must be in one of its targets
--update  tightens tests/tidy/ratchets.txt, never loosens it; adds new numbers to tests/tidy/numbers.txt
"""
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

# What a folder may include of ours (prefixes). A connector also sees its own folder.
LAYERS = {
    "engine/base": ["engine/base"],
    "engine/domain": ["engine/base", "engine/domain"],
    "engine/ports": ["engine/base", "engine/domain", "engine/ports"],
    "engine/codec": ["engine/base", "engine/domain", "engine/codec"],
    "engine/runtime": ["engine/"],
    "rules": ["engine/base", "engine/domain", "engine/ports", "rules"],
    "projections": ["engine/base", "engine/domain", "engine/ports", "projections"],
    "connectors": ["engine/"],
    "tests": [""],
}
JOINERS = {"connectors/daemon": ["engine/", "connectors/", "projections", "rules"],
           "connectors/cli": ["engine/", "connectors/", "projections", "rules"]}
# Libraries and who may include them.
LIBRARIES = {
    r"rocksdb/": ["projections/rocks_store.cc"],
    r"boost/json": ["engine/codec/json.cc", "tests/"],
    r"yaml\.h": ["rules/yaml/", "engine/codec/yaml_tree.cc"],
    r"libxml/": ["connectors/import/", "connectors/hooks/soap.cc"], r"zlib\.h": ["connectors/import/", "connectors/http/gzip.cc"], r"csv\.h": ["connectors/import/"],
    r"openssl/": ["engine/base/hash.cc", "connectors/smtp/dkim.cc"], r"re2/": ["rules/"], r"CLI/": ["connectors/cli/"],
    r"curl/": ["connectors/smtp/sender", "connectors/webhook/", "connectors/cli/remote.cc"],
    r"gmime/": ["connectors/smtp/gmime.cc", "connectors/smtp/message.cc", "connectors/smtp/bounce.cc"],
    r"prometheus/": ["connectors/daemon/metrics"],
    r"opendkim/": ["connectors/smtp/dkim.cc"], r"librdkafka/": ["connectors/kafka_log/"],
    r"boost/asio/awaitable\.hpp": ["connectors/http/awaitable.h"],
    r"boost/asio/(?!awaitable\.hpp)": ["connectors/http/loop.cc", "connectors/http/sockets.cc", "connectors/http/chunked.cc"],
    r"boost/beast/": ["connectors/http/chunked.cc"],
    r".*\.pb\.h": ["tests/engine/codec/"], r"date/": ["connectors/import/", "connectors/os/", "connectors/daemon/"],
}
# What headers may include beside ours and the standard library's: values, not services.
HEADER_LIBRARIES = [r"boost/asio/awaitable", r"boost/container/small_vector", r"boost/outcome/", r"boost/unordered/", r"gtest/", r"librdkafka/"]
PURE = ("engine/domain/", "engine/base/", "rules/")
BANNED_PURE = [
    (r"system_clock|steady_clock|high_resolution_clock|\b(std::)?time\((nullptr|NULL|0)\)|gettimeofday|clock_gettime|localtime",
     "reads a clock"),
    (r"\brand\(|random_device|mt19937|_distribution\b|getrandom|\barc4random", "draws random numbers"),
    (r"std::j?thread\b|std::async|std::(shared_)?mutex|condition_variable|std::atomic|\bco_await\b", "uses threads"),
    (r"std::(i|o)?fstream|fopen\(|std::(cout|cerr|clog|cin)|\bf?printf\((?!.*assert)|fmt::print|std::filesystem|\bsocket\(",
     "does input or output"),
    (r"\bsyslog\(|spdlog|BOOST_LOG|\bLOG\(", "writes a log line"), (r"prometheus", "counts a metric"),
    (r"\bgetenv\b", "reads the environment"), (r"\.pb\.h", "includes generated Protobuf"),
    (r"std::unordered_(multi)?(map|set)|unordered_(flat|node)_(map|set)", "has an order that is not fixed"),
    (r"\b(double|float)\b[^;]*(amount|money|minor|price)\w*\b", "money in floating point"),
]
BANNED = [
    (r"\bsetlocale\b|std::locale\b|\bimbue\(", "depends on the locale"),
    (r"\bstrtod\b|\bstod\b|\bstof\b|\batof\b", "parses numbers by locale: use std::from_chars"),
    (r"sleep_for|sleep_until|\busleep\(|\bnanosleep\(|\bsleep\(", "sleeps: wait on a condition"),
]
# The glossary's "Not" column: none of them as a word of a name on the wire.
NOT_NAMES = set("""tenant entity object message command signal prospect opportunity quote todo phase funnel workflow
    campaign filter guard run journey action node job ack schedule deadline rejection dead_letter projection report
    offset shard master follower epoch rerun resend""".split())
# Names that the specification gives, or that mean another thing than the glossary's.
WIRE_NAMES = {
    "campaign",     # where a lead came from, not a rule
    "message",      # an e-mail, not a log record
    "quote",        # the second currency of a rate, not an offer
    "todo",         # a kind of task
    "node",         # a machine, not a step
    "clock_epoch",  # of a clock, not a term
    "SendAck", "acks",  # of a send, not of an effect
}
LIMITS = {"header": 200, "source": 500, "function": 70}


def files(root):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "*.h", "*.cc", "*.cpp"], capture_output=True, text=True)
    names = listed.stdout.split() if listed.returncode == 0 and listed.stdout else [
        str(p.relative_to(root)) for p in root.rglob("*") if p.suffix in (".h", ".cc", ".cpp")]
    return sorted(n for n in names if (root / n).exists() and not n.startswith("build/"))


def allowed(name):
    for folder, prefixes in JOINERS.items():
        if name.startswith(folder + "/"):
            return prefixes
    if name.startswith("connectors/"):
        return LAYERS["connectors"] + ["/".join(name.split("/")[:2])]
    for folder in sorted(LAYERS, key=len, reverse=True):
        if name.startswith(folder + "/"):
            return LAYERS[folder]
    return None


def check_includes(name, number, line, out):
    ours = re.match(r'\s*#include "([^"]+)"', line)
    prefixes = allowed(name)
    if ours and prefixes is not None and not any(ours[1].startswith(p) for p in prefixes):
        out.append(f"{name}:{number}: {ours[1]} is not a layer that {name.split('/')[0]} may see")
    library = re.match(r"\s*#include <([^>]+)>", line)
    for pattern, owners in LIBRARIES.items():
        if library and re.match(pattern, library[1]) and not any(name.startswith(o) for o in [*owners, "tests/"]):
            out.append(f"{name}:{number}: {library[1]} belongs to {', '.join(owners)}")
    # Headers are read by everyone who includes them: a library stays in sources.
    if library and name.endswith(".h") and not name.startswith("tests/") and re.search(r"[/.]", library[1]):
        if not any(re.match(pattern, library[1]) for pattern in HEADER_LIBRARIES):
            out.append(f"{name}:{number}: {library[1]} in a header: keep a library in a .cc")


def check_calls(name, number, line, out):
    code = re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]
    rules = BANNED + (BANNED_PURE if name.startswith(PURE) else [])
    for pattern, why in rules:
        if re.search(pattern, code):
            if name in ("engine/base/assert.cc",) and "output" in why:
                continue
            if name.startswith("tests/bench/") and why.startswith("sleeps"):
                continue  # a benchmark's load comes at a pace
            out.append(f"{name}:{number}: {why}: {code.strip()[:60]}")


def functions(lines):
    """(first line, length) of each function body: from its signature to the brace at its indent."""
    i = 0
    while i < len(lines):
        if not re.search(r"\)( const)?( override)?( noexcept)?( final)?( -> [\w:<>]+)? \{$", lines[i]):
            i += 1
            continue
        first = i
        while first > i - 6 and first > 0 and not re.match(r"^ {0,2}\S", lines[first]):
            first -= 1
        indent = len(lines[first]) - len(lines[first].lstrip())
        keyword = re.match(r"\s*(if|for|while|switch|return|else|case)\b", lines[first])
        if indent > 2 or keyword:
            i += 1
            continue
        end = next((j for j in range(i + 1, len(lines)) if re.match(rf"^ {{{indent}}}\}}", lines[j])), i)
        yield first + 1, end - first + 1
        i = end + 1


def measure(root, names):
    sizes = {}
    for name in names:
        lines = (root / name).read_text(errors="replace").splitlines()
        kind = "header" if name.endswith(".h") else "source"
        if len(lines) > LIMITS[kind]:
            sizes[name] = len(lines)
        if not name.startswith("tests/"):
            for first, length in functions(lines):
                if length > LIMITS["function"]:
                    key = f"{name}#{lines[first - 1].strip()[:50]}"
                    sizes[key] = length
    nolint = sum((root / n).read_text(errors="replace").count("NO" + "LINT") for n in names)
    if nolint:
        sizes["NOLINT"] = nolint
    return sizes


# Enums whose numbers stand in released bytes: name here, folder, name there.
ENUMS = [("Kind", "engine/domain", "Kind"), ("Policy", "engine/domain", "Policy"),
         ("Verdict", "engine/domain", "Verdict"), ("EffectState", "engine/domain", "EffectState"),
         ("Barrier.What", "engine/domain", "What"), ("DealStatus", "engine/domain", "DealStatus"),
         ("FrameKind", "connectors/embedded_log", "Kind"), ("Topic", "engine/ports", "Topic")]


def numbered(root):
    """(where, table, number, name) of all that stands in released bytes by number."""
    for table, macro in (("fields", "DW_FIELD"), ("events", "DW_EVENT")):
        path = root / f"engine/domain/{table}.def"
        if path.exists():
            for number, name in re.findall(macro + r'\((\d+), \w+, "([^"]+)"', path.read_text()):
                yield str(path.relative_to(root)), table, number, name
    for label, folder, enum in ENUMS:
        for path in sorted((root / folder).glob("*.h")):
            text = re.sub(r"//.*", "", path.read_text())
            body = re.search(rf"enum class {enum}\b[^{{;]*{{([^}}]*)}}", text)
            for name, number in re.findall(r"(k\w+)\s*=\s*(\d+)", body[1] if body else ""):
                yield str(path.relative_to(root)), label, number, name


def golden(root):
    """(file, name, digest) of each entry of released bytes: lines of a table, files of a log. State is not released."""
    folder = root / "tests/golden"
    for path in sorted(p for p in folder.glob("*.txt") if p.name != "state.txt"):
        for line in path.read_text().splitlines():
            yield path.name, line.split(" ", 1)[0], hashlib.sha256(line.encode()).hexdigest()[:16]
    for path in sorted(p for p in folder.glob("log/*/log/**/*") if p.is_file()):
        yield str(path.relative_to(folder)), "-", hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def check_numbers(root, out):
    known = root / "tests/tidy/numbers.txt"
    rows = list(numbered(root))
    for column in (2, 3):
        seen = set()
        for row in rows:
            key = (row[1], row[column])
            if key in seen:
                out.append(f"{row[0]}:1: {row[column]} stands in {row[1]} twice")
            seen.add(key)
    now = [" ".join(row[1:]) for row in rows] + ["golden " + " ".join(row) for row in golden(root)]
    for row in known.read_text().splitlines() if known.exists() else []:
        if row not in now:
            what = "released bytes" if row.startswith("golden ") else "released number"
            out.append(f"tests/tidy/numbers.txt:1: {what} changed or gone: {row}")
    return now


def check_golden(root, out):
    have = {name for file, name, _ in golden(root) if file == "events.txt"}
    for file, table, _, name in numbered(root):
        if table == "events" and name not in have:
            out.append(f"{file}:1: {name} has no golden bytes; add them: UPDATE_GOLDEN=1 golden_tests")


def wire_names(root):
    """(file, line, name) of each name that others read: messages and fields, events and their data, columns."""
    for path in sorted((root / "proto").rglob("*.proto")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.split("//")[0]
            for name in re.findall(r"(?:message|enum|oneof)\s+(\w+)", code) + re.findall(r"(\w+)\s*=\s*\d+;", code):
                yield path.relative_to(root), number, name
    for path in sorted((root / "engine/domain").glob("*.def")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for text in re.findall(r'"([^"]*)"', line.split("//")[0]):
                for name in re.findall(r"[a-z_]+", text):
                    yield path.relative_to(root), number, name


def check_words(root, out):
    for path, number, name in wire_names(root):
        words = re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
        wrong = [w for w in words.split("_") + [words] if w in NOT_NAMES or w.removesuffix("s") in NOT_NAMES]
        if wrong and name not in WIRE_NAMES:
            out.append(f"{path}:{number}: {name}: we do not say {wrong[0]}")


def check_docs(root, names, out):
    """Keys of the configuration and metrics stand in the documents, by name."""
    documents = "".join(p.read_text() for p in (root / "docs").rglob("*.md")) if (root / "docs").exists() else ""
    for name in (n for n in names if not n.startswith("tests/")):
        for number, line in enumerate((root / name).read_text(errors="replace").splitlines(), 1):
            keys = re.findall(r'{"([a-z][a-z_.]*)", Type::k\w+,', line) if name.startswith("connectors/") else []
            metrics = re.findall(r'"(dealwright_[a-z_]+)"', line)
            for key in keys + metrics:
                if not re.search(rf"(?<![\w.]){re.escape(key)}(?![\w.])", documents):
                    out.append(f"{name}:{number}: {key} stands in no document below docs/")


def check_targets(root, names, build, out):
    """Each source is compiled by some target, each header is included by somebody."""
    text = {n: (root / n).read_text(errors="replace") for n in names}
    included = set(re.findall(r'#include "([^"]+)"', "\n".join(text.values())))
    for name in names:
        if name.endswith(".h") and name not in included:
            out.append(f"{name}:1: nobody includes it")
    commands = build / "compile_commands.json" if build else None
    if commands is None or not commands.exists():
        return
    compiled = set()
    for entry in json.loads(commands.read_text()):
        path = Path(entry["directory"], entry["file"])
        compiled.add(str(path.relative_to(root)) if path.is_relative_to(root) else str(path))
    for name in (n for n in names if not n.endswith(".h")):
        folder = name.rsplit("/", 1)[0]
        optional = folder in ("tests/bench", "tests/fuzz") and not any(c.startswith(folder + "/") for c in compiled)
        if name not in compiled and not (optional and re.search(r"_(bench|fuzz)\.cc$", name)):
            out.append(f"{name}:1: is in no target")


def check_ratchets(root, names, update, out):
    ratchets = root / "tests/tidy/ratchets.txt"
    known = dict(line.rsplit(" ", 1) for line in ratchets.read_text().splitlines()) if ratchets.exists() else {}
    sizes = measure(root, names)
    for name, size in sorted(sizes.items()):
        unit = "of them" if name == "NOLINT" else "lines"
        where = f" in {name.split('#')[1]}" if "#" in name else ""
        if name not in known and not update:
            out.append(f"{name.split('#')[0]}:1: {size} {unit}, over its limit{where}")
        elif name in known and size > int(known[name]):
            out.append(f"{name.split('#')[0]}:1: {size} {unit}; the ratchet stands at {known[name]}{where}")
    if update:
        kept = {n: min(s, int(known.get(n, s))) for n, s in sizes.items()}
        ratchets.write_text("".join(f"{n} {s}\n" for n, s in sorted(kept.items())))
    return sizes


def main(arguments):
    build = Path(arguments[arguments.index("--build") + 1]) if "--build" in arguments else None
    plain = [a for a in arguments if not a.startswith("--") and a != str(build)]
    root = Path(plain[0] if plain else Path(__file__).resolve().parents[2]).resolve()
    update = "--update" in arguments
    names = files(root)
    out = []
    for name in names:
        for number, line in enumerate((root / name).read_text(errors="replace").splitlines(), 1):
            check_includes(name, number, line, out)
            check_calls(name, number, line, out)
    check_words(root, out)
    check_golden(root, out)
    check_docs(root, names, out)
    check_targets(root, names, build.resolve() if build else None, out)
    numbers = check_numbers(root, out)
    sizes = check_ratchets(root, names, update, out)
    if update:
        old = root / "tests/tidy/numbers.txt"
        lines = old.read_text().splitlines() if old.exists() else []
        old.write_text("\n".join(lines + [n for n in numbers if n not in lines]) + "\n")
    for line in out:
        print(line)
    print(f"tidy: {len(names)} files, {len(out)} faults, {len(sizes)} ratcheted sizes")
    return 1 if out else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
