#!/usr/bin/env python3
"""The house rules as a test: reads the sources and prints `file:line: what is wrong`.

Usage: tidy.py [ROOT] [--update]   (--update tightens tests/tidy/ratchets.txt, never loosens it)
"""
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
    r"yaml\.h": ["rules/yaml/", "connectors/import/yaml_tree.cc"],
    r"libxml/": ["connectors/import/"], r"zlib\.h": ["connectors/import/"], r"csv\.h": ["connectors/import/"],
    r"openssl/": ["engine/base/hash.cc"], r"re2/": ["rules/"], r"CLI/": ["connectors/cli/"],
    r".*\.pb\.h": ["tests/engine/codec/"], r"date/": ["connectors/import/", "connectors/os/"],
}
PURE = ("engine/domain/", "engine/base/", "rules/")
BANNED_PURE = [
    (r"system_clock|steady_clock|high_resolution_clock|\btime\(nullptr\)|gettimeofday", "reads a clock"),
    (r"\brand\(|random_device|mt19937", "draws random numbers"),
    (r"std::thread|std::async|std::mutex", "uses threads"),
    (r"std::(i|o)?fstream|fopen\(|std::cout|std::cerr|printf\((?!.*assert)", "does input or output"),
    (r"\bgetenv\b", "reads the environment"), (r"\.pb\.h", "includes generated Protobuf"),
    (r"std::unordered_(map|set)|unordered_flat_(map|set)", "has an order that is not fixed"),
]
BANNED = [
    (r"\bsetlocale\b|std::locale\b", "depends on the locale"),
    (r"\bstrtod\b|\bstod\b|\batof\b", "parses numbers by locale: use std::from_chars"),
    (r"sleep_for|sleep_until|\busleep\(|\bsleep\(", "sleeps: wait on a condition"),
]
NOT_NAMES = ["tenant", "prospect", "opportunity", "quote_id", "workflow", "campaign_run", "journey", "dead_letter"]
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


def check_calls(name, number, line, out):
    code = re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]
    rules = BANNED + (BANNED_PURE if name.startswith(PURE) else [])
    for pattern, why in rules:
        if re.search(pattern, code):
            if name in ("engine/base/assert.cc",) and "output" in why:
                continue
            out.append(f"{name}:{number}: {why}: {code.strip()[:60]}")
    if name.startswith("engine/domain/") and re.search(r"\b(double|float)\b.*(amount|money|minor)", code):
        out.append(f"{name}:{number}: money in floating point")


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


def check_numbers(root, out):
    known = root / "tests/tidy/numbers.txt"
    now = []
    for table, pattern in (("fields", r"DW_FIELD\((\d+), \w+, \"([^\"]+)\""), ("events", r"DW_EVENT\((\d+), \w+, \"([^\"]+)\"")):
        text = (root / f"engine/domain/{table}.def").read_text()
        rows = re.findall(pattern, text)
        now += [f"{table} {number} {name}" for number, name in rows]
        for seen in (0, 1):
            values = [row[seen] for row in rows]
            for value in sorted({v for v in values if values.count(v) > 1}):
                out.append(f"engine/domain/{table}.def:1: {value} stands there twice")
    if known.exists():
        for row in known.read_text().splitlines():
            if row not in now:
                out.append(f"tests/tidy/numbers.txt:1: released number changed or gone: {row}")
    return now


def main(arguments):
    root = Path(next((a for a in arguments if not a.startswith("--")), Path(__file__).resolve().parents[2]))
    update = "--update" in arguments
    names = files(root)
    out = []
    for name in names:
        for number, line in enumerate((root / name).read_text(errors="replace").splitlines(), 1):
            check_includes(name, number, line, out)
            check_calls(name, number, line, out)
    for proto in (root / "proto").rglob("*.proto") if (root / "proto").exists() else []:
        for number, line in enumerate(proto.read_text().splitlines(), 1):
            for word in NOT_NAMES:
                if re.search(rf"\b{word}\b", line.split("//")[0]):
                    out.append(f"{proto.relative_to(root)}:{number}: we do not say {word}")
    numbers = check_numbers(root, out) if (root / "engine/domain/fields.def").exists() else []
    ratchets = root / "tests/tidy/ratchets.txt"
    known = dict(line.rsplit(" ", 1) for line in ratchets.read_text().splitlines()) if ratchets.exists() else {}
    sizes = measure(root, names)
    for name, size in sorted(sizes.items()):
        if name not in known and not update:
            out.append(f"{name.split('#')[0]}:1: {size} lines, over its limit{' in ' + name.split('#')[1] if '#' in name else ''}")
        elif name in known and size > int(known[name]):
            out.append(f"{name.split('#')[0]}:1: {size} lines; the ratchet stands at {known[name]}")
    if update:
        kept = {n: min(s, int(known.get(n, s))) for n, s in sizes.items()}
        ratchets.write_text("".join(f"{n} {s}\n" for n, s in sorted(kept.items())))
        old = (root / "tests/tidy/numbers.txt")
        lines = old.read_text().splitlines() if old.exists() else []
        old.write_text("\n".join(lines + [n for n in numbers if n not in lines]) + "\n")
    for line in out:
        print(line)
    print(f"tidy: {len(names)} files, {len(out)} faults, {len(sizes)} ratcheted sizes")
    return 1 if out else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
