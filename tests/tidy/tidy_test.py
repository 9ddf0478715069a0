#!/usr/bin/env python3
"""Runs the tidy test on the repository, and on planted faults each of which it must find.

Usage: tidy_test.py [BUILD_DIR]   (with a build folder also: a source in no target)
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIDY = ROOT / "tests/tidy/tidy.py"

# A small tree without a fault; each row below puts files over it.
SOUND = {
    "engine/base/a.h": "// A contract.\n",
    "engine/base/a.cc": '#include "engine/base/a.h"\n',
    "engine/domain/events.def": 'DW_EVENT(1, kDealWon, "deal.won", "deal", Activity,\n         "amount:m")\n',
    "engine/domain/fields.def": 'DW_FIELD(1, kName, "name")\n',
    "engine/domain/vocabulary.h": "enum class Kind : std::uint8_t {\n  kDeal = 4,\n};\n",
    "engine/domain/use.cc": '#include "engine/domain/vocabulary.h"\n',
    "tests/golden/events.txt": "deal.won 0801 {}\n",
    "tests/tidy/ratchets.txt": "",
    "tests/tidy/numbers.txt": "fields 1 name\nevents 1 deal.won\nKind 4 kDeal\n",
    "proto/dealwright/v1/deal.proto": "message Deal {\n  string id = 1;\n}\n",
    "docs/configuration.md": "`log.segment`: bytes of a file.\n",
}
LONG_FUNCTION = "void f() {\n" + "  g();\n" * 69 + "}\n"
RULES = "rules/a.cc"
DOMAIN = "engine/domain/b.cc"

# (the rule, the file, its text, what tidy must say of it)
PLANTED = [
    ("domain includes runtime", DOMAIN, '#include "engine/runtime/state.h"\n', "not a layer"),
    ("rules include projections", RULES, '#include "projections/registry.h"\n', "not a layer"),
    ("rules include the codec", RULES, '#include "engine/codec/json.h"\n', "not a layer"),
    ("the engine includes rules", "engine/runtime/a.cc", '#include "rules/cel/value.h"\n', "not a layer"),
    ("the engine includes a connector", "engine/runtime/a.cc", '#include "connectors/os/clock.h"\n', "not a layer"),
    ("ports include the codec", "engine/ports/a.cc", '#include "engine/codec/json.h"\n', "not a layer"),
    ("projections include rules", "projections/a.cc", '#include "rules/cel/value.h"\n', "not a layer"),
    ("a connector includes another", "connectors/x/a.cc", '#include "connectors/y/y.h"\n', "not a layer"),
    ("a library in a foreign source", "connectors/x/a.cc", "#include <rocksdb/db.h>\n", "belongs to"),
    ("a connector's library in another", "connectors/x/a.cc", "#include <curl/curl.h>\n", "belongs to"),
    ("a library in a header", "rules/yaml/a.h", "#include <yaml.h>\n", "in a header"),
    ("a library nobody owns in a header", "engine/runtime/a.h", "#include <boost/asio.hpp>\n", "in a header"),
    ("generated Protobuf outside its tests", "engine/codec/a.cc", "#include <dealwright/v1/event.pb.h>\n", "belongs to"),
    ("generated Protobuf, quoted", "engine/runtime/a.cc", '#include "dealwright/v1/event.pb.h"\n', "not a layer"),
    ("a clock", DOMAIN, "auto t = std::chrono::system_clock::now();\n", "reads a clock"),
    ("the C clock", RULES, "auto t = std::time(nullptr);\n", "reads a clock"),
    ("random numbers", RULES, "std::random_device d;\n", "draws random numbers"),
    ("a distribution", RULES, "std::uniform_int_distribution<int> d;\n", "draws random numbers"),
    ("a thread", DOMAIN, "std::thread t;\n", "uses threads"),
    ("a mutex", RULES, "std::mutex m;\n", "uses threads"),
    ("a file", RULES, "std::ifstream in;\n", "does input or output"),
    ("output", DOMAIN, "std::cout << 1;\n", "does input or output"),
    ("a log line", DOMAIN, 'syslog(1, "x");\n', "writes a log line"),
    ("a metric", RULES, "prometheus::Counter c;\n", "counts a metric"),
    ("the environment", DOMAIN, 'getenv("x");\n', "reads the environment"),
    ("an order that is not fixed", DOMAIN, "std::unordered_map<int, int> m;\n", "has an order"),
    ("the same of Boost", RULES, "boost::unordered_flat_map<int, int> m;\n", "has an order"),
    ("money in floating point", DOMAIN, "double amount = 1;\n", "money in floating point"),
    ("the same in rules", RULES, "float won_amount;\n", "money in floating point"),
    ("the locale", "connectors/x/a.cc", 'setlocale(LC_ALL, "");\n', "depends on the locale"),
    ("numbers by locale", "connectors/x/a.cc", "auto d = std::stod(x);\n", "parses numbers by locale"),
    ("a sleep", "tests/d.cc", "std::this_thread::sleep_" + "for(x);\n", "sleeps"),
    ("a long header", "engine/base/a.h", "// line\n" * 201, "201 lines"),
    ("a long source", "engine/base/a.cc", '#include "engine/base/a.h"\n' * 501, "501 lines"),
    ("a long function", "engine/base/a.cc", LONG_FUNCTION, "71 lines"),
    ("a silenced warning", "engine/base/a.cc", "int x;  // NO" + "LINT\n", "1 of them"),
    ("a header that nobody includes", "engine/base/lone.h", "// A contract.\n", "nobody includes it"),
    ("an event without golden bytes", "tests/golden/events.txt", "", "has no golden bytes"),
    ("a field number twice", "engine/domain/fields.def", 'DW_FIELD(1, kName, "name")\nDW_FIELD(1, kTo, "to")\n', "twice"),
    ("an event name twice", "engine/domain/events.def",
     SOUND["engine/domain/events.def"] + 'DW_EVENT(2, kWon, "deal.won", "deal", Fact, "")\n', "twice"),
    ("a released field with another number", "engine/domain/fields.def", 'DW_FIELD(2, kName, "name")\n', "released number"),
    ("a released event gone", "engine/domain/events.def", "", "released number"),
    ("a released kind with another number", "engine/domain/vocabulary.h", "enum class Kind {\n  kDeal = 5,\n};\n",
     "released number"),
    ("released bytes edited", "tests/tidy/numbers.txt", "golden events.txt deal.won 0000000000000000\n", "released bytes"),
    ("a word of the Not column in a field", "proto/dealwright/v1/deal.proto", "message A {\n  string tenant_id = 1;\n}\n",
     "do not say tenant"),
    ("the same in a message", "proto/dealwright/v1/deal.proto", "message RuleJob {\n  string id = 1;\n}\n", "do not say job"),
    ("the same in an event", "engine/domain/events.def",
     SOUND["engine/domain/events.def"] + 'DW_EVENT(2, kX, "opportunity.opened", "deal", Fact, "")\n', "do not say opportunity"),
    ("a key without docs", "connectors/daemon/config.cc", '    {"log.unheard", Type::kBytes, "", "1",\n', "stands in no document"),
    ("a metric without docs", "connectors/daemon/metrics.cc", 'Name("dealwright_unheard_total")\n', "stands in no document"),
    ("a source in no target", "connectors/x/lost.cc", "int x;\n", "is in no target"),
]


def tidy(folder):
    """The faults, a line each."""
    done = subprocess.run([sys.executable, str(TIDY), str(folder), "--build", str(folder / "build")],
                          capture_output=True, text=True)
    if done.stderr:
        return [done.stderr]
    return [line for line in done.stdout.splitlines() if not line.startswith("tidy:")]


def planted(name, text):
    """What tidy says of the sound tree with one file put over it."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work).resolve()
        tree = dict(SOUND)
        if name:
            tree[name] = text
        for path, content in tree.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        sources = [p for p in tree if p.endswith(".cc") and "lost" not in p]
        (folder / "build").mkdir()
        (folder / "build/compile_commands.json").write_text(
            json.dumps([{"directory": str(folder), "file": p} for p in sources]))
        return tidy(folder)


def main(arguments):
    command = [sys.executable, str(TIDY), str(ROOT)] + (["--build", arguments[0]] if arguments else [])
    done = subprocess.run(command, capture_output=True, text=True)
    print((done.stdout + done.stderr).rstrip())
    if done.returncode != 0:
        return 1
    failed = 0
    if sound := planted(None, None):
        print("the sound tree is not: " + "\n".join(sound))
        failed += 1
    for rule, name, text, expected in PLANTED:
        said = planted(name, text)
        if not any(expected in line for line in said):
            print(f"planted {rule}: not found\n  " + "\n  ".join(said))
            failed += 1
    print(f"planted faults: {len(PLANTED) - failed} of {len(PLANTED)} found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
