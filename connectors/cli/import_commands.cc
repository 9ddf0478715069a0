// import run, list, pause, resume, cancel.
#include <CLI/CLI.hpp>
#include <filesystem>

#include "connectors/cli/import_run.h"
#include "connectors/cli/import_there.h"
#include "rules/check/diagnostic.h"

namespace dealwright::cli {
namespace {

using Phase = runtime::ImportBatch::Phase;

Result<void> list_imports(Context& context) {
  if (context.remote() != nullptr) return context.print_pages("/v1/imports", 0);
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(auto names, daemon::batch_names(*workspace));
  ViewRows rows;
  rows.columns = {{"batch", "text"}, {"state", "text"},     {"policy", "text"}, {"per_hour", "int"},
                  {"events", "int"}, {"opened", "instant"}, {"file", "text"}};
  for (const auto& name : names) {
    DW_TRY(auto known, daemon::find_batch(*workspace, name));
    const auto* file = known.opened ? find(known.opened->extra, "file") : nullptr;
    rows.rows.push_back(
        {Value{name}, Value{daemon::phase_name(known.batch.phase)},
         Value{policy_name(known.batch.policy)},
         known.batch.policy == Policy::kDrip ? Value{known.batch.per_hour} : Value{Null{}},
         Value{static_cast<std::int64_t>(known.rows)},
         known.opened && known.opened->time ? Value{*known.opened->time} : Value{Null{}},
         file == nullptr ? Value{Null{}} : *file});
  }
  context.print(rows);
  return workspace->stop();
}

// kNotFound, with the nearest; kRefused: there is nothing left to pause or resume.
Result<daemon::KnownBatch> unfinished(daemon::Workspace& workspace, const std::string& batch) {
  DW_TRY(auto known, daemon::find_batch(workspace, batch));
  if (known.batch.phase == Phase::kUnknown) {
    DW_TRY(auto names, daemon::batch_names(workspace));
    const auto hint = rules::did_you_mean(batch, {names.begin(), names.end()});
    return Error{Code::kNotFound, "no batch '" + batch + "'" +
                                      (hint.empty() ? "; dealwright import list" : ". " + hint)};
  }
  if (known.batch.phase == Phase::kClosed)
    return Error{Code::kRefused, "batch '" + batch + "' is whole: all of it was imported"};
  return known;
}

Result<void> pause_import(Context& context, const std::string& batch) {
  if (context.remote() != nullptr) return order_import_there(context, batch, "pause");
  auto opened = context.open();
  if (!opened && opened.error().code == Code::kConflict) {
    // Another process has the data directory; if it imports this batch it stops soon.
    DW_TRY(PauseOrder(context.data(), batch).give());
    context.print_object({{"batch", Value{batch}}, {"state", Value{"asked to pause"}}});
    return ok();
  }
  DW_TRY(auto workspace, std::move(opened));
  DW_TRY(auto known, unfinished(*workspace, batch));
  if (known.batch.phase == Phase::kOpen) {
    DW_TRY(daemon::mark_batch(*workspace, batch, TypeId::kImportPaused, "user/cli"));
  }
  context.print_object({{"batch", Value{batch}}, {"state", Value{"paused"}}});
  return workspace->stop();
}

// A server holds the file that it was sent, and lets go of it; in a data directory of our own there
// is none: no more of it comes while it is paused.
Result<void> cancel_import(Context& context, const std::string& name) {
  if (context.remote() == nullptr) return pause_import(context, name);
  return order_import_there(context, name, "cancel");
}

Result<void> resume_import(Context& context, ImportFlags flags) {
  if (context.remote() != nullptr) {
    if (!flags.file.empty() || !flags.mapping.empty() || !flags.bad_file.empty()) {
      return Error{
          Code::kRefused,
          "a server goes on with the file and mapping it was sent; import run sends others"};
    }
    return order_import_there(context, flags.batch, "resume");
  }
  {
    DW_TRY(auto workspace, context.open());
    DW_TRY(auto known, unfinished(*workspace, flags.batch));
    const auto recorded = [&](std::string& path, const char* name) -> Result<void> {
      if (!path.empty()) return ok();
      const auto* value = known.opened ? find(known.opened->extra, name) : nullptr;
      if (value == nullptr)
        return Error{Code::kInvalid,
                     "the log does not hold which " + std::string{name} + " it was; say --" + name};
      path = value->text_or_empty();
      return ok();
    };
    DW_TRY(recorded(flags.file, "file"));
    DW_TRY(recorded(flags.mapping, "mapping"));
    for (const auto& path : {flags.file, flags.mapping}) {
      std::error_code error;
      if (!std::filesystem::exists(path, error))
        return Error{Code::kNotFound,
                     "cannot read " + path + "; say where it is now: --file, --mapping"};
    }
    if (known.batch.phase == Phase::kPaused) {
      DW_TRY(daemon::mark_batch(*workspace, flags.batch, TypeId::kImportResumed, "user/cli"));
    }
    DW_TRY(workspace->stop());
  }
  return run_import(context, std::move(flags));
}

void add_run(CLI::App& import, Context& context) {
  auto flags = std::make_shared<ImportFlags>();
  auto* run = verb(import, context, "run",
                   "Import a CSV or XES file (also .gz) through a mapping; again: nothing changes",
                   "dealwright import run docs/examples/leads.csv --mapping "
                   "docs/examples/leads.mapping.yaml --policy suppress",
                   [&context, flags] {
                     if (context.remote() != nullptr) return run_import_there(context, *flags);
                     return run_import(context, *flags);
                   });
  run->add_option("file", flags->file, "the file")->required();
  run->add_option("--mapping", flags->mapping, "how rows become events")->required();
  run->add_option("--batch", flags->batch, "the batch's name; the mapping's if left out");
  run->add_option("--policy", flags->policy,
                  "what rules may do with it; the mapping's if left out. The strictest of policy, "
                  "event and rule counts")
      ->check(CLI::IsMember({"fire", "drip", "shadow", "suppress"}));
  run->add_option("--rate", flags->rate, "of drip: entries an hour")
      ->check(CLI::Range(std::int64_t{1}, kDripMax));
  run->add_option("--clock", flags->clock,
                  "event: rules and timers run on the time of the events, in a log of its own")
      ->check(CLI::IsMember({"event", "wall"}));
  run->add_option("--bad", flags->bad_file, "where bad rows go; FILE.bad.csv if left out");
  run->add_flag("--dry-run", flags->dry_run,
                "Count, and show the first 20 bad rows; no log is needed");
}

}  // namespace

void add_import_commands(CLI::App& app, Context& context) {
  auto* import = noun(app, "import", "The past, from tables and process logs");
  add_run(*import, context);
  verb(*import, context, "list", "Batches, how far they are, and of which file",
       "dealwright import list", [&context] { return list_imports(context); });
  auto paused = std::make_shared<std::string>();
  verb(*import, context, "pause", "Stop a batch, also one that another process imports just now",
       "dealwright import pause opportunities-2026",
       [&context, paused] { return pause_import(context, *paused); })
      ->add_option("batch", *paused, "its name; of a server also the import's id")
      ->required();
  auto cancelled = std::make_shared<std::string>();
  verb(*import, context, "cancel",
       "Stop a batch for good: a server lets go of its file; what was appended stays",
       "dealwright import cancel opportunities-2026",
       [&context, cancelled] { return cancel_import(context, *cancelled); })
      ->add_option("import", *cancelled, "its id, or the name of its batch")
      ->required();
  auto flags = std::make_shared<ImportFlags>();
  auto* resume = verb(*import, context, "resume", "Go on with a batch that was paused or broke off",
                      "dealwright import resume opportunities-2026",
                      [&context, flags] { return resume_import(context, *flags); });
  resume->add_option("batch", flags->batch, "its name; of a server also the import's id")
      ->required();
  resume->add_option("--file", flags->file, "where the file is, if it moved");
  resume->add_option("--mapping", flags->mapping, "where the mapping is, if it moved");
  resume->add_option("--bad", flags->bad_file, "where bad rows go; FILE.bad.csv if left out");
}

}  // namespace dealwright::cli
