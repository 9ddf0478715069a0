#include "connectors/import/mapper.h"

#include <algorithm>

#include "engine/base/id.h"

namespace dealwright::import {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool holds(const Condition& condition, std::string_view cell) {
  const auto& values = condition.values;
  switch (condition.op) {
    case Condition::Op::kFilled:
      return !cell.empty();
    case Condition::Op::kEmpty:
      return cell.empty();
    case Condition::Op::kIn:
      return std::find(values.begin(), values.end(), cell) != values.end();
    case Condition::Op::kNotIn:
      return std::find(values.begin(), values.end(), cell) == values.end();
    case Condition::Op::kPrefix:
      return std::any_of(values.begin(), values.end(),
                         [&](const std::string& prefix) { return cell.starts_with(prefix); });
  }
  return false;
}

std::string nearest(std::string_view name, const Columns& columns) {
  std::string best;
  std::size_t least = name.size() / 3 + 2;
  for (const auto& column : columns.names()) {
    const auto distance = edit_distance(name.substr(0, 60), std::string_view{column}.substr(0, 60));
    if (distance < least) {
      least = distance;
      best = column;
    }
  }
  return best;
}

}  // namespace

Mapper::Mapper(const Mapping& mapping, BatchOptions options)
    : mapping_{mapping}, options_{std::move(options)}, cases_{mapping.records.size()} {
  if (options_.batch.empty()) options_.batch = mapping.batch;
  if (options_.policy == Policy::kUnset) options_.policy = mapping.policy;
  if (options_.rate == 0) options_.rate = mapping.rate;
  source_ = "import/" + options_.batch;
  scope_.record_ids.resize(mapping.records.size());
}

Result<void> Mapper::bind(const Columns& columns, bool complete) {
  columns_ = &columns;
  columns_seen_ = columns.size();
  complete_ = complete;
  loaded_ = 0;
  bound_.clear();
  rest_.clear();
  std::vector<bool> named(columns.size(), false);
  std::string missing;
  for (const auto& name : mapping_.names.columns) {
    bound_.push_back(columns.find(name));
    if (bound_.back()) {
      named[*bound_.back()] = true;
    } else {
      const auto hint = nearest(name, columns);
      missing +=
          (missing.empty() ? "'" : ", '") + name + "'" + (hint.empty() ? "" : " (" + hint + "?)");
    }
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto& ignore = mapping_.ignore;
    const bool ignored = std::find(ignore.begin(), ignore.end(), columns.name(i)) != ignore.end();
    if (mapping_.rest_to_extra && !named[i] && !ignored) rest_.push_back(i);
  }
  if (!complete || missing.empty()) return ok();
  return Error{Code::kInvalid, mapping_.name + " speaks of columns that the file has not: " +
                                   missing + "; mend the mapping, or name them in the file"};
}

// Nulls and aliases of the mapping.
std::string_view Mapper::mended(std::uint32_t column, std::string_view text) const {
  text = trimmed(text);
  if (text.empty()) return text;
  if (std::find(mapping_.nulls.begin(), mapping_.nulls.end(), text) != mapping_.nulls.end())
    return {};
  for (const auto& alias : mapping_.aliases) {
    if (alias.column == column && alias.from == text) return alias.to;
  }
  return text;
}

void Mapper::load(const Row& row) {
  if (loaded_ == row.number && row.number != 0) return;
  if (columns_ != nullptr && columns_->size() != columns_seen_) {
    static_cast<void>(bind(*columns_, false));
  }
  row_ = &row;
  loaded_ = row.number;
  scope_.row = row.number;
  scope_.cells.resize(bound_.size());
  for (std::size_t i = 0; i < bound_.size(); ++i) {
    scope_.cells[i] = bound_[i] ? mended(static_cast<std::uint32_t>(i), row.value(*bound_[i]))
                                : std::string_view{};
  }
  scope_.case_id = {};
  render(mapping_.case_id, scope_, case_id_);
  scope_.case_id = case_id_;
}

bool Mapper::fail(std::vector<BadRow>& bad, std::string code, std::string text,
                  std::optional<std::uint32_t> column) {
  BadRow row;
  row.row = row_->number;
  row.line = row_->line;
  if (column) row.column = mapping_.names.columns[*column];
  row.code = std::move(code);
  const auto cut = text.rfind("; ");
  row.detail = text.substr(0, cut);
  if (cut != std::string::npos) row.hint = text.substr(cut + 2);
  for (std::size_t i = 0; i < row_->spans().size() && row.raw.size() < kRawBytesMax; ++i) {
    if (i > 0) row.raw += ',';
    row.raw += row_->value(i);
  }
  row.raw.resize(std::min(row.raw.size(), kRawBytesMax));
  bad.push_back(std::move(row));
  return false;
}

bool Mapper::matches(const Emit& emit) const {
  return std::all_of(emit.when.begin(), emit.when.end(), [&](const Condition& condition) {
    return holds(condition, scope_.cells[condition.column]);
  });
}

bool Mapper::plan(const Row& row, std::vector<Planned>& out, std::vector<BadRow>& bad) {
  load(row);
  if (!mapping_.case_id.empty() && case_id_.empty()) {
    return fail(bad, "bad_data", "the row has no case; fill the column that `case` names");
  }
  const auto start = out.size();
  planned_.clear();
  for (const auto& emit : mapping_.emits) {
    if (emit.otherwise ? !planned_.empty() : !matches(emit)) continue;
    if (!plan_emit(emit, planned_, bad)) return false;
  }
  // The other columns go to one event: the first that no `once` can hold back, else the first.
  auto taker = std::find_if(planned_.begin(), planned_.end(),
                            [&](const Planned& p) { return !mapping_.emits[p.emit].once; });
  if (taker == planned_.end()) taker = planned_.begin();
  if (taker != planned_.end()) taker->takes_rest = true;
  place_undated(planned_);
  out.resize(start);
  out.insert(out.end(), planned_.begin(), planned_.end());
  return true;
}

bool Mapper::plan_emit(const Emit& emit, std::vector<Planned>& out, std::vector<BadRow>& bad) {
  Planned planned;
  planned.emit = static_cast<std::uint16_t>(emit.number - 1);
  if (!read_time_of(emit, planned, bad) || !check_values(emit, bad)) return false;
  out.push_back(planned);
  return true;
}

bool Mapper::read_time_of(const Emit& emit, Planned& planned, std::vector<BadRow>& bad) {
  Value value;
  if (!emit.time.from.empty()) {
    ValueSpec spec;
    Misfit misfit;
    if (emit.time.from.lone_column() && emit.time.recode.empty()) {  // nearly always
      const auto column = emit.time.from.parts[0].index;
      const auto text = scope_.cells[column];
      if (!text.empty()) {
        auto at = read_time(text, emit.time.notation.dates, mapping_.zone);
        if (!at) return fail(bad, "bad_time", at.error().detail, column);
        value = Value{at.value()};
      }
    } else {
      spec.kind = ValueSpec::Kind::kConversion;
      spec.conversion = emit.time;
      if (!evaluate(spec, nullptr, {scope_, mapping_.zone, scratch_, misfit}, value)) {
        return fail(bad, "bad_time", misfit.text, misfit.column);
      }
    }
  }
  planned.undated = value.absent();
  if (!planned.undated) planned.at = *value.as_instant();
  if (planned.undated && mapping_.undated_batch_time && options_.batch_time) {
    planned.undated = false;
    planned.at = *options_.batch_time;
  }
  return true;
}

// Whether the event could be made: subject, and values that a text can spoil.
bool Mapper::check_values(const Emit& emit, std::vector<BadRow>& bad) {
  for (auto& id : scope_.record_ids) id = "0";
  scope_.number = 0;
  render(emit.subject, scope_, scratch_);
  const auto slash = scratch_.find('/');
  if (slash == std::string::npos || !is_id(std::string_view{scratch_}.substr(slash + 1))) {
    return fail(
        bad, "bad_envelope",
        "the subject of " +
            std::string{emit.type == TypeId::kForeignType ? std::string_view{"a foreign event"}
                                                          : spec_of(emit.type).name} +
            " is empty, longer than 200 bytes or has control characters; fill its columns");
  }
  if (emit.type == TypeId::kForeignType && !emit.foreign_type.constant()) {
    render(emit.foreign_type, scope_, scratch_);
    if (!is_id(scratch_))
      return fail(bad, "bad_envelope", "the type is empty or malformed; fill its columns");
  }
  if (emit.infallible && emit.required.empty()) return true;
  trial_.data.clear();
  trial_.extra.clear();
  return fill_values(emit, trial_, bad);
}

// An undated event stands right before the next dated one of its subject, else right behind the one
// before; without such, as other subjects of the row do; a row without dates comes last.
void Mapper::place_undated(std::vector<Planned>& planned) {
  const auto dated = [](const Planned& p) { return !p.undated; };
  if (std::all_of(planned.begin(), planned.end(), dated)) return;
  std::vector<std::string> subjects(planned.size());
  for (std::size_t i = 0; i < planned.size(); ++i) {
    render(mapping_.emits[planned[i].emit].subject, scope_, subjects[i]);
  }
  for (std::size_t i = 0; i < planned.size(); ++i) {
    if (!planned[i].undated) continue;
    planned[i].at = kAfterAll;
    for (const bool same_subject : {true, false}) {
      const auto fits = [&](std::size_t k) {
        return dated(planned[k]) && (!same_subject || subjects[k] == subjects[i]);
      };
      std::size_t k = i + 1;
      while (k < planned.size() && !fits(k)) ++k;
      if (k == planned.size()) {
        k = i;
        while (k > 0 && !fits(k - 1)) --k;
        if (k == 0) continue;
        --k;
      }
      planned[i].at = planned[k].at;
      break;
    }
  }
}

// Finds or makes the record that the event speaks of; its id goes to the scope.
Result<bool> Mapper::take_record(const Emit& emit, std::vector<BadRow>& bad) {
  const auto list = emit.make ? emit.make->list : emit.take->list;
  DW_TRY(auto* records, cases_.at(case_id_, list));
  render(emit.make ? emit.make->named : emit.take->named, scope_, name_);
  if (emit.make) {
    if (records->stands_against(*emit.make, name_)) return false;
    if (records->living.size() >= kLivingMax) {
      return Error{Code::kOverload, "case " + case_id_ + " has more than 10000 living " +
                                        mapping_.records[list].name + "; end them in the mapping"};
    }
    scope_.number = ++records->made;
    records->living.push_back({scope_.number, name_, emit.make->state});
    render(mapping_.records[list].id, scope_, scope_.record_ids[list]);
    return true;
  }
  auto* record = records->find(*emit.take, name_);
  if (record == nullptr) {
    if (emit.take->may_lack) return false;
    return fail(bad, "no_record",
                "case " + case_id_ + " has no living one of " + mapping_.records[list].name +
                    " for this event; " + "make one in the mapping, or set lacking: skip");
  }
  scope_.number = record->number;
  render(mapping_.records[list].id, scope_, scope_.record_ids[list]);
  if (emit.take->then) record->state = *emit.take->then;
  if (emit.take->ends) records->remove(record);
  return true;
}

bool Mapper::fill_values(const Emit& emit, Event& out, std::vector<BadRow>& bad) {
  Misfit misfit;
  const Evaluation with{scope_, mapping_.zone, scratch_, misfit};
  for (const auto& entry : emit.data) {
    Value value;
    if (!evaluate(entry.value, entry.field, with, value)) {
      return fail(bad, std::move(misfit.code),
                  std::string{field_name(entry.field->field)} + ": " + misfit.text, misfit.column);
    }
    if (!value.absent()) out.data.append(entry.field->field, std::move(value));
  }
  for (const auto* field : emit.required) {
    if (out.data.find(field->field) != nullptr) continue;
    return fail(bad, "bad_data",
                std::string{spec_of(emit.type).name} + " needs " +
                    std::string{field_name(field->field)} + "; fill its column");
  }
  for (const auto& [name, spec] : emit.extra) {
    Value value;
    if (!evaluate(spec, nullptr, with, value)) {
      return fail(bad, std::move(misfit.code), name + ": " + misfit.text, misfit.column);
    }
    if (!value.absent()) out.extra.emplace_back(name, std::move(value));
  }
  return true;
}

void Mapper::fill_rest(Event& out) const {
  for (const auto column : rest_) {
    const auto text = trimmed(row_->value(column));
    const auto& nulls = mapping_.nulls;
    if (text.empty() || std::find(nulls.begin(), nulls.end(), text) != nulls.end()) continue;
    out.extra.emplace_back(columns_->name(column), Value{text});
  }
}

void Mapper::fill_envelope(const Emit& emit, const Planned& planned, Event& out) {
  out.source = source_;
  out.id = options_.batch;
  out.id += ':';
  out.id += std::to_string(row_->number);
  out.id += ':';
  out.id += std::to_string(emit.number);
  out.type = emit.type;
  if (emit.type == TypeId::kForeignType) render(emit.foreign_type, scope_, out.foreign_type);
  render(emit.actor, scope_, out.actor);
  render(emit.partition_key, scope_, out.partition_key);
  if (!planned.undated) out.time = planned.at;
  out.import_batch = options_.batch;
  out.policy = options_.policy;
}

Result<bool> Mapper::make(const Row& row, const Planned& planned, Event& out,
                          std::vector<BadRow>& bad) {
  load(row);
  const auto& emit = mapping_.emits[planned.emit];
  scope_.number = 0;
  if (emit.make || emit.take) {
    DW_TRY(auto found, take_record(emit, bad));
    if (!found) return false;
  }
  render(emit.subject, scope_, scratch_);
  if (emit.once && !seen_.insert(std::to_string(planned.emit) + ' ' + scratch_).second)
    return false;
  out = Event{};
  out.subject = parse_record_key(scratch_);
  if (!fill_values(emit, out, bad)) return false;
  fill_envelope(emit, planned, out);
  if (planned.takes_rest) fill_rest(out);
  if (out.extra.size() > 1) {  // a name that the mapping gives beats the column so named
    std::stable_sort(out.extra.begin(), out.extra.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    out.extra.erase(std::unique(out.extra.begin(), out.extra.end(),
                                [](const auto& a, const auto& b) { return a.first == b.first; }),
                    out.extra.end());
  }
  return true;
}

Result<void> Mapper::map(const Row& row, std::vector<Event>& out, std::vector<BadRow>& bad) {
  loaded_ = 0;
  std::vector<Planned> planned;
  if (!plan(row, planned, bad)) return ok();
  for (const auto& one : planned) {
    Event event;
    DW_TRY(auto made, make(row, one, event, bad));
    if (made) out.push_back(std::move(event));
  }
  return ok();
}

std::vector<Event> Mapper::before() const {
  auto events = mapping_.before;
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto& event = events[i];
    event.source = source_;
    event.id = options_.batch + ":0:" + std::to_string(i + 1);
    event.import_batch = options_.batch;
    event.policy = options_.policy;
  }
  return events;
}

}  // namespace dealwright::import
