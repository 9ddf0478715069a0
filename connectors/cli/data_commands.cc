// init, sample, version: what needs no data directory yet.
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "connectors/cli/context.h"
#include "connectors/daemon/version.h"
#include "connectors/sample/sample_year.h"
#include "engine/codec/cloudevents_json.h"

namespace dealwright::cli {
namespace {

Result<void> init(Context& context, std::uint32_t partitions, const std::string& clock) {
  auto options = context.workspace_options();
  options.create = true;
  options.partitions = partitions;
  options.event_clock = clock == "event";
  auto opened = daemon::Workspace::open(std::move(options));
  if (!opened) return refused(opened.error());  // another number of partitions, for one
  auto workspace = std::move(opened.value());
  DW_TRY(workspace->engine().wait_idle());
  const bool event_clock = workspace->event_clock();
  context.print_object({{"data", Value{context.data()}},
                        {"partitions", Value{std::int64_t{workspace->partitions()}}},
                        {"clock", Value{event_clock ? "event" : "wall"}}});
  DW_TRY(workspace->stop());
  if (event_clock != (clock == "event")) {
    return Error{Code::kRefused, context.data() + " was made before, and runs on the " +
                                     (event_clock ? "time of its events" : "wall clock") +
                                     "; make another with --data"};
  }
  return ok();
}

Result<void> write_sample(Context& context, std::uint64_t seed, std::uint64_t scale,
                          const std::string& path) {
  std::ofstream file;
  if (path != "-") {
    file.open(path, std::ios::binary | std::ios::trunc);
    if (!file) return Error{Code::kIo, "cannot write " + path};
  }
  std::ostream& out = path == "-" ? std::cout : file;
  sample::SampleYear year{seed, scale};
  Event event;
  std::int64_t count = 0;
  for (; year.next(event); ++count) out << codec::to_cloudevent(event) << '\n';
  out.flush();
  if (!out) return Error{Code::kIo, "could not write all of " + path};
  if (path != "-") context.print_object({{"events", Value{count}}, {"file", Value{path}}});
  return ok();
}

void add_sample(CLI::App& app, Context& context) {
  struct Flags {
    std::uint64_t seed = 1, scale = 1;
    std::string out = "-";
  };
  auto flags = std::make_shared<Flags>();
  auto* make = verb(
      app, context, "sample", "Write a sales year with a story as CloudEvents, one a line",
      "dealwright sample --seed 1 --out year.ndjson",
      [&context, flags] { return write_sample(context, flags->seed, flags->scale, flags->out); });
  make->add_option("--seed", flags->seed, "the same seed, the same bytes")->capture_default_str();
  make->add_option("--scale", flags->scale, "how many times 600 customers")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  make->add_option("--out", flags->out, "a file; - is standard output")->capture_default_str();
}

}  // namespace

void add_data_commands(CLI::App& app, Context& context) {
  auto partitions = std::make_shared<std::uint32_t>(0);
  auto clock = std::make_shared<std::string>("wall");
  auto* make = verb(app, context, "init", "Make a data directory",
                    "dealwright init --data ./data --partitions 4",
                    [&context, partitions, clock] { return init(context, *partitions, *clock); });
  make->add_option("--partitions", *partitions, "fixed for ever; log.partitions if left out")
      ->check(CLI::Range(1, 256));
  make->add_option("--clock", *clock,
                   "wall, or event: time runs by the facts, for a past to be imported")
      ->check(CLI::IsMember({"wall", "event"}))
      ->capture_default_str();
  add_sample(app, context);
  verb(app, context, "version", "What this is", "dealwright version", [&context]() -> Result<void> {
    context.print_object({{"dealwright", Value{daemon::kVersion}},
                          {"state_version", Value{std::int64_t{kStateVersion}}},
                          {"language", Value{std::int64_t{1}}}});
    return ok();
  })->preparse_callback([&context](std::size_t) { context.needs_config = false; });
}

}  // namespace dealwright::cli
