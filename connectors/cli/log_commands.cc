// log verify, dump; partition list, verify.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iostream>

#include "connectors/cli/context.h"
#include "connectors/embedded_log/meta.h"
#include "connectors/embedded_log/verify.h"
#include "connectors/os/posix_file_system.h"
#include "engine/codec/cloudevents_json.h"
#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "engine/runtime/partition.h"
#include "engine/runtime/replay.h"
#include "engine/runtime/verify.h"

namespace dealwright::cli {
namespace {

Result<std::uint32_t> partitions_of(FileSystem& files, const std::string& data) {
  DW_TRY(auto meta, embedded_log::read_meta(files, data));
  if (!meta)
    return Error{Code::kNotFound,
                 data + " holds no Dealwright data; make it with: dealwright init --data " + data};
  return meta->partitions;
}

runtime::NextRecord records_of(embedded_log::RecordCursor cursor) {
  auto shared = std::make_shared<embedded_log::RecordCursor>(std::move(cursor));
  return [shared] { return shared->next(); };
}

Result<runtime::ChainReport> verify_chain(FileSystem& files, const std::string& data,
                                          PartitionId id) {
  DW_TRY(auto events, embedded_log::RecordCursor::open(files, data, id, Topic::kEvents));
  DW_TRY(auto decisions, embedded_log::RecordCursor::open(files, data, id, Topic::kDecisions));
  return runtime::verify_chain(records_of(std::move(events)), records_of(std::move(decisions)));
}

// Every byte of the files first, then the hash chain over both logs.
Result<void> verify_log(Context& context) {
  DW_TRY(context.needs_data("log verify"));
  auto files = os::make_posix_file_system();
  DW_TRY(auto count, partitions_of(*files, context.data()));
  ViewRows rows;
  rows.columns = {{"partition", "int"}, {"segments", "int"},   {"frames", "int"},
                  {"bytes", "int"},     {"torn_bytes", "int"}, {"events", "int"},
                  {"undecided", "int"}, {"decisions", "int"},  {"ignored", "int"},
                  {"damage", "text"}};
  std::optional<std::string> damage;
  for (PartitionId id = 0; id < count; ++id) {
    DW_TRY(auto report, embedded_log::verify(*files, context.data(), id));
    runtime::ChainReport chain;
    std::string text = "none";
    if (report.damage) {
      text = embedded_log::to_error(*report.damage).detail;
    } else {
      DW_TRY(chain, verify_chain(*files, context.data(), id));
      if (chain.damage) text = chain.damage->detail;
    }
    if (text != "none") damage = "partition " + std::to_string(id) + ": " + text;
    const auto events = report.ends[static_cast<std::size_t>(Topic::kEvents)];
    const auto number = [](std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; };
    rows.rows.push_back({Value{std::int64_t{id}}, number(report.segments), number(report.frames),
                         number(report.bytes), number(report.torn_bytes), number(events),
                         number(events - std::min(events, chain.decided)), number(chain.accepted),
                         number(chain.ignored), Value{text}});
  }
  context.print(rows);
  if (damage) return Error{Code::kDamaged, "the log is damaged: " + *damage};
  return ok();
}

Map decision_object(const DecisionRecord& record) {
  const auto& h = record.header;
  Map out{{"term", Value{static_cast<std::int64_t>(h.term)}},
          {"sequence", Value{static_cast<std::int64_t>(h.sequence)}},
          {"from", Value{static_cast<std::int64_t>(h.from)}},
          {"through", Value{static_cast<std::int64_t>(h.through)}},
          {"events", Value{std::int64_t{h.event_count}}},
          {"now", Value{h.now}},
          {"chain", Value{hex(h.chain)}}};
  if (const auto* claim = std::get_if<LeaderClaim>(&record.body)) {
    out.emplace_back("claim", Value{claim->node});
  } else if (const auto* batch = std::get_if<Batch>(&record.body)) {
    List turns;
    for (const auto& turn : batch->turns) {
      Map entry{{"position", Value{static_cast<std::int64_t>(turn.position)}},
                {"verdict", Value{verdict_name(turn.verdict)}},
                {"changes", Value{static_cast<std::int64_t>(turn.changes.size())}}};
      if (!turn.code.empty()) entry.emplace_back("code", Value{turn.code});
      if (turn.timer) {
        entry.emplace_back("timer_due", Value{turn.timer->due});
        entry.emplace_back("rule", Value{turn.timer->rule});
      }
      turns.emplace_back(std::move(entry));
    }
    out.emplace_back("turns", Value{std::move(turns)});
  }
  return out;
}

void print_frame(const Context& context, PartitionId id, const embedded_log::DumpedFrame& frame) {
  if (frame.kind != embedded_log::Kind::kEvent && frame.kind != embedded_log::Kind::kDecision)
    return;
  const bool event = frame.kind == embedded_log::Kind::kEvent;
  Map line{{"partition", Value{std::int64_t{id}}},
           {"topic", Value{event ? "events" : "decisions"}},
           {"position", Value{static_cast<std::int64_t>(frame.position)}},
           {"sequence", Value{static_cast<std::int64_t>(frame.sequence)}},
           {"file", Value{frame.file}},
           {"offset", Value{static_cast<std::int64_t>(frame.offset)}}};
  if (event) {
    Event fact;
    if (codec::decode(frame.bytes, fact))
      line.emplace_back("type", Value{fact.type_name()}),
          line.emplace_back("subject", Value{to_text(fact.subject)}),
          line.emplace_back("data", Value{codec::data_of(fact)});
  } else {
    DecisionRecord record;
    if (codec::decode(frame.bytes, record))
      line.emplace_back("decision", Value{decision_object(record)});
  }
  if (context.json) {
    context.print_object(line);
  } else {
    std::cout << to_json(Value{std::move(line)}) << '\n';
  }
}

Result<void> dump_log(Context& context, int only) {
  DW_TRY(context.needs_data("log dump"));
  auto files = os::make_posix_file_system();
  DW_TRY(auto count, partitions_of(*files, context.data()));
  if (only >= 0 && static_cast<PartitionId>(only) >= count)
    return Error{Code::kNotFound, "there is no partition " + std::to_string(only)};
  for (PartitionId id = 0; id < count; ++id) {
    if (only >= 0 && static_cast<PartitionId>(only) != id) continue;
    DW_TRY(embedded_log::dump(
        *files, context.data(), id,
        [&](const embedded_log::DumpedFrame& frame) { print_frame(context, id, frame); }));
  }
  return ok();
}

Result<void> list_partitions(Context& context) {
  if (context.remote() != nullptr) return context.print_rows("/v1/partitions");
  DW_TRY(auto workspace, context.open(Context::Stopped::kShown));
  std::optional<Error> stopped;
  ViewRows rows;
  rows.columns = {{"partition", "int"},  {"leading", "text"},  {"term", "int"},
                  {"events", "int"},     {"decisions", "int"}, {"lag", "int"},
                  {"now", "instant"},    {"timers", "int"},    {"accepted", "int"},
                  {"duplicates", "int"}, {"refused", "int"},   {"set_aside", "int"},
                  {"stopped", "text"}};
  for (PartitionId id = 0; id < workspace->partitions(); ++id) {
    const auto why = workspace->stopped(id);
    if (why && !stopped) stopped = why;
    const Value reason{why ? why->detail : ""};
    auto asked = workspace->engine().ask(id, [&](runtime::Partition& partition) {
      const auto s = partition.status();
      const auto& meta = partition.state().meta;
      const auto number = [](std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; };
      rows.rows.push_back({Value{std::int64_t{id}}, Value{s.leading ? "yes" : "no"}, number(s.term),
                           number(s.events), number(s.decisions), number(s.events_end - s.events),
                           s.now > kInstantMin ? Value{s.now} : Value{Null{}}, number(s.timers),
                           number(meta.accepted), number(meta.duplicates), number(meta.refused),
                           number(meta.set_aside),
                           why                ? reason
                           : s.clock_held     ? Value{"clock held"}
                           : s.waiting > 0    ? Value{std::to_string(s.waiting) +
                                                   " events wait for the first pipeline.updated"}
                           : s.effects_paused ? Value{"effects paused"}
                                              : reason});
    });
    if (asked) continue;  // else it could not even be opened
    auto& row = rows.rows.emplace_back(rows.columns.size(), Value{Null{}});
    row.front() = Value{std::int64_t{id}};
    row[1] = Value{"no"};
    row.back() = reason;
  }
  context.print(rows);
  static_cast<void>(workspace->stop());  // what stopped a partition is told below
  if (stopped) return *stopped;
  return ok();
}

// Folds a partition's log from position 0 beside the state, and compares where both came to.
Result<void> verify_partitions(Context& context) {
  DW_TRY(auto workspace, context.open());
  ViewRows rows;
  rows.columns = {{"partition", "int"}, {"events", "int"}, {"decisions", "int"}, {"chain", "text"}};
  Result<void> result = ok();
  for (PartitionId id = 0; id < workspace->partitions(); ++id) {
    Result<Sha256> replayed = Error{Code::kClosed, "not folded"};
    DW_TRY(
        workspace->with_replay(id, [&](runtime::State& state) { replayed = state.fingerprint(); }));
    DW_TRY(auto expected, replayed);
    DW_TRY(workspace->engine().ask(id, [&](runtime::Partition& partition) {
      const auto& meta = partition.state().meta;
      const auto mine = partition.state().fingerprint();
      const bool same = mine && mine.value() == expected;
      if (!same)
        result = Error{
            Code::kDamaged,
            "partition " + std::to_string(id) +
                ": the state is not what its log folds to; delete the state folder to rebuild it"};
      rows.rows.push_back({Value{std::int64_t{id}}, Value{static_cast<std::int64_t>(meta.events)},
                           Value{static_cast<std::int64_t>(meta.decisions)},
                           Value{same ? "whole, state agrees" : "DIFFERS"}});
    }));
  }
  context.print(rows);
  DW_TRY(workspace->stop());
  return result;
}

// An operator's word on time, in every partition that it concerns.
Result<void> set_clock(Context& context,
                       const std::function<Result<void>(runtime::Partition&)>& word) {
  DW_TRY(auto workspace, context.open());
  DW_TRY(workspace->engine().wait_idle());
  ViewRows rows;
  rows.columns = {
      {"partition", "int"}, {"was", "instant"}, {"now", "instant"}, {"changed", "text"}};
  std::optional<Error> failed;
  for (PartitionId id = 0; id < workspace->partitions(); ++id) {
    DW_TRY(workspace->engine().ask(id, [&](runtime::Partition& partition) {
      const auto instant = [](Instant at) { return at > kInstantMin ? Value{at} : Value{Null{}}; };
      const auto was = partition.state().meta.now;
      const auto done = word(partition);
      const bool needless = !done && done.error().code == Code::kInvalid;
      if (!done && !needless) failed = done.error();
      rows.rows.push_back({Value{std::int64_t{id}}, instant(was),
                           instant(partition.state().meta.now),
                           Value{done ? "yes" : done.error().detail}});
    }));
  }
  context.print(rows);
  DW_TRY(workspace->stop());
  if (failed) return *failed;
  return ok();
}

}  // namespace

void add_log_commands(CLI::App& app, Context& context) {
  auto* log = noun(app, "log", "The two logs, as they stand on the disk");
  verb(*log, context, "verify", "Check every byte of the log and the hash chain over both topics",
       "dealwright log verify", [&context] { return verify_log(context); });
  auto only = std::make_shared<int>(-1);
  verb(*log, context, "dump", "Every log record, decoded, one JSON object a line",
       "dealwright log dump --partition 0", [&context, only] { return dump_log(context, *only); })
      ->add_option("--partition", *only, "one partition only")
      ->check(CLI::NonNegativeNumber);
  auto* partition = noun(app, "partition", "Partitions: who leads, how far, why one stopped");
  verb(*partition, context, "list", "All partitions", "dealwright partition list",
       [&context] { return list_partitions(context); });
  verb(*partition, context, "verify",
       "Fold the logs from position 0 and hold the hash chain and the state against it",
       "dealwright partition verify", [&context] { return verify_partitions(context); });
  verb(*partition, context, "reset-clock",
       "Set time back to this machine's clock where a partition ran ahead of it",
       "dealwright partition reset-clock", [&context] {
         return set_clock(context, [&context](runtime::Partition& p) {
           return p.reset_clock(context.now(), "user/cli");
         });
       });
  verb(*partition, context, "use-wall-clock",
       "Let a log on the clock of its events go on by this machine's clock",
       "dealwright partition use-wall-clock", [&context] {
         return set_clock(context,
                          [](runtime::Partition& p) { return p.switch_to_wall("user/cli"); });
       });
}

}  // namespace dealwright::cli
