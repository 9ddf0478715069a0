#include "connectors/daemon/import_record.h"

#include <utility>

#include "engine/codec/json.h"

namespace dealwright::daemon {
namespace {

constexpr std::string_view kStates[] = {"uploading", "running", "paused",   "whole",
                                        "checked",   "failed",  "cancelled"};
constexpr std::string_view kOrders[] = {"", "pause", "cancel"};

Value count(std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; }

Value value_of(const import::BadRow& row) {
  return Value{Map{{"row", count(row.row)},
                   {"line", count(row.line)},
                   {"column", Value{row.column}},
                   {"code", Value{row.code}},
                   {"detail", Value{row.detail}},
                   {"hint", Value{row.hint}}}};
}

std::string text_in(const Map& map, std::string_view name) {
  const auto* value = find(map, name);
  return value == nullptr ? std::string{} : std::string{value->text_or_empty()};
}
std::int64_t number_in(const Map& map, std::string_view name) {
  const auto* value = find(map, name);
  const auto* number = value == nullptr ? nullptr : value->as_int();
  return number == nullptr ? 0 : *number;
}
std::uint64_t count_in(const Map& map, std::string_view name) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_in(map, name)));
}
bool flag_in(const Map& map, std::string_view name) {
  const auto* value = find(map, name);
  return value != nullptr && value->as_bool() != nullptr && *value->as_bool();
}
std::optional<Instant> instant_in(const Map& map, std::string_view name) {
  const auto at = parse_instant(text_in(map, name));
  return at ? std::optional{at.value()} : std::nullopt;
}

std::optional<Error> error_in(const Map& map) {
  const auto code = text_in(map, "code");
  if (code.empty()) return std::nullopt;
  Error out{Code::kIo, text_in(map, "reason")};
  for (int c = 0; c <= static_cast<int>(Code::kClosed); ++c) {
    if (code == code_name(static_cast<Code>(c))) out.code = static_cast<Code>(c);
  }
  return out;
}

std::vector<import::BadRow> bad_rows_in(const Map& map) {
  std::vector<import::BadRow> out;
  const auto* errors = find(map, "errors");
  if (errors == nullptr || errors->as_list() == nullptr) return out;
  for (const auto& error : *errors->as_list()) {
    if (error.as_map() == nullptr) continue;
    const auto& one = *error.as_map();
    out.push_back({count_in(one, "row"), count_in(one, "line"), text_in(one, "column"),
                   text_in(one, "code"), text_in(one, "detail"), text_in(one, "hint"), ""});
  }
  return out;
}

}  // namespace

std::string_view import_state_name(ImportState state) {
  return kStates[static_cast<std::size_t>(state)];
}

bool has_ended(ImportState state) {
  return state == ImportState::kWhole || state == ImportState::kChecked ||
         state == ImportState::kFailed || state == ImportState::kCancelled;
}

Map to_map(const ImportRecord& record) {
  const auto& counts = record.counts;
  List errors;
  for (const auto& row : record.first_bad) errors.push_back(value_of(row));
  Map out{{"import", Value{record.id}},
          {"state", Value{import_state_name(record.state)}},
          {"batch", Value{record.batch}},
          {"dry_run", Value{record.dry_run}},
          {"file", Value{record.file}},
          {"bytes", count(record.bytes)},
          {"received_bytes", count(record.received)},
          {"by", Value{record.actor}},
          {"created", Value{record.created}},
          {"read_bytes", count(counts.bytes_read)},
          {"rows", count(counts.rows)},
          {"bad_rows", count(counts.bad_rows)},
          {"events", count(counts.events)},
          {"planned_events", count(counts.events_planned)},
          {record.dry_run ? "would_append" : "appended", count(counts.appended)},
          {"already_there", count(counts.already_there)},
          {"errors", Value{std::move(errors)}}};
  if (record.policy != Policy::kUnset) {
    out.emplace_back("policy", Value{policy_name(record.policy)});
  }
  if (record.rate > 0) out.emplace_back("rate", Value{record.rate});
  if (!record.sha256.empty()) out.emplace_back("sha256", Value{record.sha256});
  if (record.ended) out.emplace_back("ended", Value{*record.ended});
  if (record.error) {
    out.emplace_back("code", Value{code_name(record.error->code)});
    out.emplace_back("reason", Value{record.error->detail});
  }
  return *Value{std::move(out)}.as_map();  // sorted
}

std::string to_text(const ImportRecord& record) {
  auto out = to_map(record);
  out.emplace_back("format", Value{1});
  out.emplace_back("asked", Value{record.asked});
  if (record.order != ImportOrder::kNone) {
    out.emplace_back("order", Value{kOrders[static_cast<std::size_t>(record.order)]});
    out.emplace_back("ordered_by", Value{record.ordered_by});
  }
  if (record.may_resume) out.emplace_back("may_resume", Value{true});
  return to_json(Value{std::move(out)}) + "\n";
}

Result<ImportRecord> read_import_record(std::string_view text) {
  DW_TRY(const auto value, codec::parse_json(text));
  const auto* map = value.as_map();
  if (map == nullptr || number_in(*map, "format") != 1) {
    return Error{Code::kDamaged, "it is no import of format 1"};
  }
  ImportRecord out;
  out.id = text_in(*map, "import");
  const auto state = text_in(*map, "state");
  bool known = false;
  for (std::size_t i = 0; i < std::size(kStates); ++i) {
    if (state != kStates[i]) continue;
    out.state = static_cast<ImportState>(i);
    known = true;
  }
  const auto created = instant_in(*map, "created");
  if (!known || !created || out.id.empty()) {
    return Error{Code::kDamaged, "it names no import, state or time"};
  }
  out.batch = text_in(*map, "batch");
  out.policy = policy_of(text_in(*map, "policy")).value_or(Policy::kUnset);
  out.rate = number_in(*map, "rate");
  out.dry_run = flag_in(*map, "dry_run");
  out.file = text_in(*map, "file");
  out.bytes = count_in(*map, "bytes");
  out.received = count_in(*map, "received_bytes");
  out.sha256 = text_in(*map, "sha256");
  out.actor = text_in(*map, "by");
  out.created = *created;
  out.ended = instant_in(*map, "ended");
  auto& counts = out.counts;
  counts.bytes_read = count_in(*map, "read_bytes");
  counts.rows = count_in(*map, "rows");
  counts.bad_rows = count_in(*map, "bad_rows");
  counts.events = count_in(*map, "events");
  counts.events_planned = count_in(*map, "planned_events");
  counts.appended = count_in(*map, out.dry_run ? "would_append" : "appended");
  counts.already_there = count_in(*map, "already_there");
  out.first_bad = bad_rows_in(*map);
  out.error = error_in(*map);
  out.asked = text_in(*map, "asked");
  const auto order = text_in(*map, "order");
  for (std::size_t i = 0; i < std::size(kOrders); ++i) {
    if (order == kOrders[i]) out.order = static_cast<ImportOrder>(i);
  }
  out.may_resume = flag_in(*map, "may_resume");
  out.ordered_by = text_in(*map, "ordered_by");
  return out;
}

}  // namespace dealwright::daemon
