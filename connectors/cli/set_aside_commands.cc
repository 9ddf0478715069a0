// set-aside list, redrive, drop.
#include <CLI/CLI.hpp>

#include "connectors/cli/context.h"
#include "connectors/cli/tables.h"
#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"

namespace dealwright::cli {
namespace {

Result<void> list_set_aside(Context& context) {
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  Result<void> sound = ok();
  ViewRows rows;
  rows.columns = {{"position", "text"}, {"verdict", "text"}, {"code", "text"},
                  {"type", "text"},     {"subject", "text"}, {"at", "instant"},
                  {"behind", "text"},   {"detail", "text"}};
  DW_TRY(scan_all(
      *workspace, runtime::keys::kSetAside,
      [&](PartitionId id, std::string_view, std::string_view value) {
        SetAside entry;
        if (auto decoded = codec::decode(value, entry); !decoded) {
          sound = decoded.error();
          return;
        }
        const auto place = std::to_string(id) + ":";
        rows.rows.push_back(
            {Value{place + std::to_string(entry.position)}, Value{verdict_name(entry.verdict)},
             Value{entry.code}, Value{entry.type}, Value{entry.subject}, Value{entry.now},
             entry.blocked_by ? Value{place + std::to_string(*entry.blocked_by)} : Value{Null{}},
             Value{entry.detail}});
      }));
  DW_TRY(std::move(sound));
  context.print(rows);
  return workspace->stop();
}

Result<void> order(Context& context, const std::string& where, TypeId type,
                   const std::string& reason) {
  DW_TRY(auto place, parse_position(where));
  const auto [partition, position] = place;
  DW_TRY(auto workspace, context.open());
  if (partition >= workspace->partitions())
    return Error{Code::kNotFound, "there is no partition " + std::to_string(partition)};
  bool there = false;
  DW_TRY(workspace->engine().ask(partition, [&, at = position](runtime::Partition& p) {
    there = p.state().set_aside(at).has_value();
  }));
  if (!there) return Error{Code::kNotFound, "no event is set aside at " + where};
  Event event;
  event.source = "dealwright/operator";
  event.id = std::string{spec_of(type).name} + "-" + where + "-" + to_text(context.now());
  event.type = type;
  event.subject = {Kind::kEvent, where};
  event.time = context.now();
  if (workspace->event_clock()) event.time.reset();
  event.actor = "user/cli";
  event.data.set(Field::kPosition, Value{static_cast<std::int64_t>(position)});
  if (!reason.empty()) event.data.set(Field::kReason, Value{reason});
  DW_TRY(workspace->append_own(std::move(event), partition));
  DW_TRY(workspace->engine().wait_idle());
  std::optional<SetAside> left;
  DW_TRY(workspace->engine().ask(
      partition, [&, at = position](runtime::Partition& p) { left = p.state().set_aside(at); }));
  DW_TRY(workspace->stop());
  if (left)
    return Error{Code::kRefused, "the event at " + where + " was judged again and stays: " +
                                     left->code + " " + left->detail};
  context.print_object({{"position", Value{where}},
                        {"done", Value{type == TypeId::kEventDropped ? "dropped" : "redriven"}}});
  return ok();
}

}  // namespace

void add_set_aside_commands(CLI::App& app, Context& context) {
  auto* aside = noun(app, "set-aside", "Events that were refused or malformed");
  verb(*aside, context, "list", "Events set aside, with their codes", "dealwright set-aside list",
       [&context] { return list_set_aside(context); });
  auto where = std::make_shared<std::string>();
  verb(*aside, context, "redrive", "Judge an event again, and what waits behind it",
       "dealwright set-aside redrive 0:3",
       [&context, where] { return order(context, *where, TypeId::kEventRedriven, ""); })
      ->add_option("position", *where, "partition:position")
      ->required();
  auto which = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  auto* drop = verb(
      *aside, context, "drop", "Give an event up; what waits behind it goes on",
      "dealwright set-aside drop 0:3 --reason 'test data'",
      [&context, which, reason] { return order(context, *which, TypeId::kEventDropped, *reason); });
  drop->add_option("position", *which, "partition:position")->required();
  drop->add_option("--reason", *reason, "why, for the record");
}

}  // namespace dealwright::cli
