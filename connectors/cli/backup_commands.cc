// backup create, list, verify, restore.
#include <CLI/CLI.hpp>
#include <memory>

#include "connectors/cli/context.h"
#include "connectors/daemon/backup/backup.h"
#include "connectors/embedded_log/meta.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"

namespace dealwright::cli {
namespace {

Value number(std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; }

std::string megabytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

// ---- create

struct Asked {
  std::string to;
  bool without_keys = false;
};

Error error_in(const Map& status) {
  const auto* code = find(status, "code");
  const auto* reason = find(status, "reason");
  Error out{Code::kIo, reason == nullptr ? "it failed" : std::string{reason->text_or_empty()}};
  for (int c = 0; c <= static_cast<int>(Code::kClosed); ++c) {
    const bool same = code != nullptr && code->text_or_empty() == code_name(static_cast<Code>(c));
    if (same) out.code = static_cast<Code>(c);
  }
  return out;
}

std::uint64_t count_in(const Map& map, std::string_view name) {
  const auto* value = find(map, name);
  const auto* count = value == nullptr ? nullptr : value->as_int();
  return count == nullptr ? 0 : static_cast<std::uint64_t>(*count);
}

// Begun there, and waited for: however long it takes, no request does.
Result<void> create_there(const Context& context, const Asked& asked) {
  const auto& remote = *context.remote();
  DW_TRY(auto status, remote.post(with_query(
                          "/v1/backups",
                          {{"to", asked.to}, {"without_keys", asked.without_keys ? "true" : ""}})));
  for (;;) {
    const auto* map = status.as_map();
    if (map == nullptr) return Error{Code::kIo, "the server answered no object"};
    const auto* state = find(*map, "state");
    const auto word = state == nullptr ? std::string_view{} : state->text_or_empty();
    if (word != "running") {
      context.progress_done();
      if (word != "whole") return error_in(*map);
      context.print_object(*map);
      return ok();
    }
    context.progress("copied", count_in(*map, "done_bytes"), count_in(*map, "of_bytes"));
    const auto* name = find(*map, "backup");
    const std::string path = name == nullptr ? "" : std::string{name->text_or_empty()};
    DW_TRY(status, remote.get("/v1/backups/" + escaped(path) + "?timeout=500"));
  }
}

Map object_of(const daemon::Manifest& manifest, const std::string& path) {
  std::string ends;
  for (PartitionId id = 0; id < manifest.partitions.size(); ++id) {
    ends += (ends.empty() ? "" : ",") + place_text({id, manifest.partitions[id].events});
  }
  return Map{{"path", Value{path}},
             {"created", Value{manifest.created}},
             {"bytes", number(manifest.bytes())},
             {"files", number(manifest.files.size())},
             {"keys", Value{manifest.find(daemon::kKeysBundle) != nullptr}},
             {"ends", Value{ends}}};
}

Result<void> create(Context& context, const Asked& asked) {
  if (context.remote() != nullptr) return create_there(context, asked);
  const auto files = os::make_posix_file_system();
  const auto clock = os::make_system_clock();
  DW_TRY(const auto meta, embedded_log::read_meta(*files, context.data()));
  if (!meta) {
    return Error{Code::kNotFound, context.data() +
                                      " holds no Dealwright data; say where with "
                                      "--data, or ask a server with --server"};
  }
  embedded_log::Options options;
  options.partitions = meta->partitions;
  options.segment_bytes = context.config().log.segment_bytes;
  DW_TRY(const auto log, embedded_log::open(*files, *clock, context.data(), options));
  auto to = asked.to;
  if (to.empty()) {
    to = daemon::backups_folder(context.data()) + "/" + daemon::backup_name(clock->wall());
  }
  daemon::BackupOptions how;
  how.keys = !asked.without_keys;
  how.progress = [&context](std::uint64_t done, std::uint64_t of) {
    context.progress(megabytes(of), done, of);
  };
  DW_TRY(const auto manifest,
         daemon::create_backup({*files, *clock, context.data(), *log}, to, how));
  context.progress_done();
  context.print_object(object_of(manifest, to));
  return ok();
}

// ---- list, verify

Result<void> list(Context& context) {
  if (context.remote() != nullptr) return context.print_rows("/v1/backups");
  const auto files = os::make_posix_file_system();
  DW_TRY(const auto all, daemon::list_backups(*files, daemon::backups_folder(context.data())));
  ViewRows rows;
  rows.columns = {{"backup", "text"}, {"state", "text"}, {"created", "instant"},
                  {"bytes", "int"},   {"keys", "bool"},  {"ends", "text"},
                  {"path", "text"},   {"reason", "text"}};
  for (const auto& one : all) {
    auto map = one.manifest ? object_of(*one.manifest, one.path) : Map{{"path", Value{one.path}}};
    map.emplace_back("backup", Value{one.name});
    map.emplace_back("state", Value{one.manifest ? "whole" : "broken_off"});
    map.emplace_back("reason", Value{one.fault});
    const Value sorted{std::move(map)};
    auto& row = rows.rows.emplace_back();
    for (const auto& column : rows.columns) {
      const auto* member = find(*sorted.as_map(), column.name);
      row.push_back(member == nullptr ? Value{Null{}} : *member);
    }
  }
  context.print(rows);
  return ok();
}

Result<void> verify(Context& context, const std::string& folder) {
  const auto files = os::make_posix_file_system();
  auto checked = daemon::verify_backup(*files, folder);
  if (!checked && checked.error().code == Code::kDamaged) {
    return Error{Code::kDamaged, "the backup is damaged: " + checked.error().detail};
  }
  DW_TRY(const auto backup, std::move(checked));
  ViewRows rows;
  rows.columns = {{"partition", "int"}, {"segments", "int"}, {"frames", "int"},
                  {"bytes", "int"},     {"events", "int"},   {"undecided", "int"},
                  {"decisions", "int"}, {"ignored", "int"},  {"damage", "text"}};
  for (PartitionId id = 0; id < backup.partitions.size(); ++id) {
    const auto& [log, chain] = backup.partitions[id];
    const auto& said = backup.manifest.partitions[id];
    rows.rows.push_back({Value{std::int64_t{id}}, number(log.segments), number(log.frames),
                         number(log.bytes), number(said.events),
                         number(said.events - std::min(said.events, chain.decided)),
                         number(chain.accepted), number(chain.ignored), Value{"none"}});
  }
  context.print(rows);
  context.print_line(backup.keys ? "Its keys are in it." : "Its keys are kept elsewhere.");
  return ok();
}

// ---- restore

Result<void> restore(Context& context, const std::string& folder,
                     const daemon::RestoreOptions& options) {
  DW_TRY(context.needs_data("backup restore"));
  const auto files = os::make_posix_file_system();
  const auto clock = os::make_system_clock();
  DW_TRY(const auto manifest,
         daemon::restore_backup(*files, *clock, folder, context.data(), options));
  auto object = object_of(manifest, folder);
  object.emplace_back("data", Value{context.data()});
  object.emplace_back("effects_paused", Value{true});
  context.print_object(object);
  context.print_line(
      "Effects are paused: look at what waits (effect list), then let them leave with\n"
      "  dealwright workspace resume --reason '...' --data " +
      context.data());
  return ok();
}

}  // namespace

void add_backup_commands(CLI::App& app, Context& context) {
  auto* backup = noun(app, "backup", "Copies of the log, and data made of them");
  auto asked = std::make_shared<Asked>();
  auto* make = verb(
      *backup, context, "create", "Copy the log as it is durable now, while the server goes on",
      "dealwright backup create", [&context, asked] { return create(context, *asked); });
  make->add_option("--to", asked->to,
                   "an empty or new folder; of a server an absolute path on its machine; below the "
                   "data directory if left out");
  make->add_flag("--without-keys", asked->without_keys, "Keep the keys elsewhere");
  verb(*backup, context, "list", "Those below the data directory", "dealwright backup list",
       [&context] { return list(context); });
  auto folder = std::make_shared<std::string>();
  verb(*backup, context, "verify", "Check every byte, and the hash chain over both topics",
       "dealwright backup verify ./nightly",
       [&context, folder] { return verify(context, *folder); })
      ->add_option("folder", *folder, "of the backup")
      ->required();
  auto options = std::make_shared<daemon::RestoreOptions>();
  auto from = std::make_shared<std::string>();
  auto* back =
      verb(*backup, context, "restore", "Make a data directory of a backup; its effects are paused",
           "dealwright backup restore ./nightly --data ./restored",
           [&context, from, options] { return restore(context, *from, *options); });
  back->add_option("folder", *from, "of the backup")->required();
  auto* keys = back->add_option("--keys", options->keys_file, "keys.json, if it is kept elsewhere");
  back->add_flag("--new-keys", options->new_keys, "Go on without the keys")->excludes(keys);
}

}  // namespace dealwright::cli
