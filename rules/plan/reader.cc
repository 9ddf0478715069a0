#include "rules/plan/reader.h"

#include <algorithm>
#include <array>

namespace dealwright::rules {
namespace {

// Into free data: maps by key, lists by index.
const Value* descend(const Value* value, const std::vector<std::string>& names, std::size_t from) {
  for (auto i = from; i < names.size() && value != nullptr; ++i) {
    const auto* map = value->as_map();
    value = map == nullptr ? nullptr : dealwright::find(*map, names[i]);
  }
  return value == nullptr || value->absent() ? nullptr : value;
}

const Value* keep(Value value, Value& scratch) {
  scratch = std::move(value);
  return &scratch;
}

const Value& false_value() {
  static const Value value{false};
  return value;
}

// What a declared field stands for when it was not given.
const Value* default_of(const PathSpec& path, const Event& event) {
  if (path.type == FieldType::kBool) return &false_value();
  if (event.type == TypeId::kLeadQualified && path.field == Field::kLevel) {
    static const Value sql{"sql"};
    return &sql;
  }
  return nullptr;
}

}  // namespace

std::optional<RecordKey> referred(const Record& record, const RouteStep& step) {
  Value scratch;
  const auto* value = record.value(step.field, scratch);
  if (value == nullptr) return std::nullopt;
  if (step.field == Field::kContacts) {
    const auto* list = value->as_list();
    const Value* chosen = nullptr;
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      const auto* map = (*list)[i].as_map();
      const auto* contact = map == nullptr ? nullptr : find(*map, "contact");
      if (contact == nullptr || contact->text_or_empty().empty()) continue;
      const auto* role = find(*map, "role");
      const auto* primary = find(*map, "primary");
      const bool first =
          (role != nullptr && role->text_or_empty() == "primary") ||
          (primary != nullptr && primary->as_bool() != nullptr && *primary->as_bool());
      if (chosen == nullptr || first) chosen = contact;
      if (first) break;
    }
    if (chosen == nullptr) return std::nullopt;
    auto id = chosen->text_or_empty();
    if (id.starts_with("contact/")) id.remove_prefix(8);
    return RecordKey{Kind::kContact, std::string{id}};
  }
  const auto text = value->text_or_empty();
  if (text.empty()) return std::nullopt;
  if (step.field == Field::kAbout) {
    auto key = parse_record_key(text);
    return key.kind == step.to ? std::optional{std::move(key)} : std::nullopt;
  }
  return RecordKey{step.to, std::string{text}};
}

const Record* Reader::record(const RecordKey& key) { return turn_->record(key); }

std::optional<RecordKey> Reader::follow(RecordKey from, const Route& route) {
  for (const auto& step : route) {
    const auto* at = record(from);
    if (at == nullptr) return std::nullopt;
    auto next = referred(*at, step);
    if (!next) return std::nullopt;
    from = std::move(*next);
  }
  return from;
}

std::optional<RecordKey> Reader::nearest(Kind kind) {
  if (subject.kind == kind) return subject;
  for (const auto& route : routes(subject.kind, kind)) {
    if (auto found = follow(subject, route)) return found;
  }
  if (!event_record || fact == nullptr) return std::nullopt;
  if (fact->event->subject.kind == kind) return fact->event->subject;
  for (const auto& route : routes(fact->event->subject.kind, kind)) {
    if (auto found = follow(fact->event->subject, route)) return found;
  }
  return std::nullopt;
}

const Record* Reader::target(const PathSpec& path) {
  const Record* at = nullptr;
  if (subject.kind == path.kind) {
    at = pinned != nullptr ? pinned : record(subject);
  } else if (const auto key = nearest(path.kind)) {
    at = record(*key);
  }
  for (const auto hop : path.hops) {
    if (at == nullptr) return nullptr;
    const auto* spec = spec_of(at->key.kind).find(hop);
    Value scratch;
    const auto* value = at->value(hop, scratch);
    if (spec == nullptr || value == nullptr) return nullptr;
    at = record({spec->ref, std::string{value->text_or_empty()}});
  }
  return at;
}

const Value* Reader::find_in_record(const PathSpec& path, Value& scratch) {
  if (path.leaf == Leaf::kRecord) {
    const auto key = nearest(path.kind);
    return key ? keep(Value{to_text(*key)}, scratch) : nullptr;
  }
  const auto* at = target(path);
  if (at == nullptr) return nullptr;
  switch (path.leaf) {
    case Leaf::kField: {
      const auto* value = at->value(path.field, scratch);
      if (value == nullptr && path.type == FieldType::kBool) return &false_value();
      return path.names.empty() ? value : descend(value, path.names, 0);
    }
    case Leaf::kCustom:
      return descend(at->find_custom(path.names[0]), path.names, 1);
    case Leaf::kExtra:
      return descend(at->find_extra(path.names[0]), path.names, 1);
    case Leaf::kId:
      return keep(Value{at->key.id}, scratch);
    default:
      return nullptr;
  }
}

const Value* Reader::find_in_event(const PathSpec& path, Value& scratch) {
  if (fact == nullptr) return nullptr;
  const auto& event = *fact->event;
  switch (path.leaf) {
    case Leaf::kField: {
      const auto* value = event.data.find(path.field);
      if (value == nullptr) return default_of(path, event);
      return path.names.empty() ? value : descend(value, path.names, 0);
    }
    case Leaf::kExtra: {
      const auto* value = dealwright::find(event.extra, path.names[0]);
      if (value == nullptr) {  // declared by some of the types, asked for as free data
        const auto field = field_of(path.names[0]);
        value = field ? event.data.find(*field) : nullptr;
      }
      return descend(value, path.names, 1);
    }
    case Leaf::kId:
      return keep(Value{event.id}, scratch);
    case Leaf::kType:
      return keep(Value{event.type_name()}, scratch);
    case Leaf::kTime:
      return keep(Value{fact->occurred}, scratch);
    case Leaf::kSource:
      return keep(Value{event.source}, scratch);
    case Leaf::kActor:
      return keep(Value{event.actor}, scratch);
    case Leaf::kSubject:
      return keep(Value{to_text(event.subject)}, scratch);
    case Leaf::kLate:
      return keep(Value{fact->late}, scratch);
    default:
      return nullptr;
  }
}

const Value* Reader::find_before(const PathSpec& path, Value& scratch) {
  if (fact == nullptr || fact->subject == nullptr) return nullptr;
  if (path.leaf == Leaf::kField) {
    for (const auto& change : fact->changes) {
      if (change.field != path.field) continue;
      if (change.before.absent()) return nullptr;
      return descend(&change.before, path.names, 0);
    }
  }
  PathSpec now = path;
  now.root = Root::kRecord;
  now.kind = subject.kind;
  return find_in_record(now, scratch);
}

const Value* Reader::find_own(const PathSpec& path, Value& scratch) {
  switch (path.root) {
    case Root::kNow:
      return keep(Value{now()}, scratch);
    case Root::kToday:
      return keep(Value{today()}, scratch);
    case Root::kWorkspace:
      if (path.leaf == Leaf::kName) return keep(Value{workspace_->name}, scratch);
      if (path.leaf == Leaf::kZone) return keep(Value{workspace_->zone}, scratch);
      return keep(Value{workspace_->currency}, scratch);
    case Root::kEnrolment:
      if (enrolment == nullptr) return nullptr;
      if (path.leaf == Leaf::kKey) return keep(Value{enrolment->key}, scratch);
      if (path.leaf == Leaf::kStarted) return keep(Value{enrolment->started}, scratch);
      return keep(Value{step_id}, scratch);
    default:
      return nullptr;
  }
}

const Value* Reader::find(const PathSpec& path, Value& scratch) {
  switch (path.root) {
    case Root::kRecord:
      return find_in_record(path, scratch);
    case Root::kEvent:
      return find_in_event(path, scratch);
    case Root::kBefore:
      return find_before(path, scratch);
    case Root::kStart: {
      if (enrolment == nullptr) return nullptr;
      const auto* kept = dealwright::find(enrolment->kept, path.text);
      return kept == nullptr || kept->absent() || kept->null() ? nullptr : kept;
    }
    default:
      return find_own(path, scratch);
  }
}

std::optional<RecordKey> Reader::record_of(const PathSpec& path) {
  if (path.root == Root::kRecord && path.leaf == Leaf::kRecord) return nearest(path.kind);
  Value scratch;
  const auto* value = find(path, scratch);
  if (value == nullptr || value->text_or_empty().empty()) return std::nullopt;
  if (path.leaf == Leaf::kField && path.type == FieldType::kRef) {
    return RecordKey{path.record, std::string{value->text_or_empty()}};
  }
  auto key = parse_record_key(value->text_or_empty());
  return key.kind == Kind::kForeign ? std::nullopt : std::optional{std::move(key)};
}

namespace {

// The fields of a kind that name records whose events concern it; users, teams and other reference
// data are left out.
const std::vector<RouteStep>& pointers(Kind kind) {
  static const auto table = [] {
    std::array<std::vector<RouteStep>, kKinds> out;
    static constexpr Kind kWatched[] = {Kind::kLead,    Kind::kDeal,   Kind::kContact,
                                        Kind::kAccount, Kind::kOffer,  Kind::kContract,
                                        Kind::kTask,    Kind::kTicket, Kind::kSurvey};
    for (std::size_t k = 1; k < kKinds; ++k) {
      for (const auto& spec : spec_of(static_cast<Kind>(k)).fields) {
        const bool watched =
            std::find(std::begin(kWatched), std::end(kWatched), spec.ref) != std::end(kWatched);
        if (spec.field == Field::kContacts) {
          out[k].push_back({spec.field, Kind::kContact});
        } else if (spec.field == Field::kAbout || (spec.type == FieldType::kRef && watched)) {
          out[k].push_back({spec.field, spec.ref});
        }
      }
    }
    return out;
  }();
  return table[static_cast<std::size_t>(kind)];
}

std::optional<RecordKey> pointed(const Record& record, const RouteStep& step) {
  if (step.field != Field::kAbout) return referred(record, step);
  const auto* about = record.find(Field::kAbout);
  if (about == nullptr) return std::nullopt;
  auto key = parse_record_key(about->text_or_empty());
  const bool known = key.kind != Kind::kForeign && !pointers(key.kind).empty();
  return known || key.kind == Kind::kAccount ? std::optional{std::move(key)} : std::nullopt;
}

}  // namespace

std::vector<RecordKey> closure(Turn& turn, const RecordKey& from) {
  std::vector<RecordKey> out{from};
  std::size_t next = 0;
  std::size_t level_end = 1;
  for (int hop = 0; hop < kHopsMax && next < out.size(); ++hop) {
    for (; next < level_end; ++next) {
      const auto* record = turn.record(out[next]);
      if (record == nullptr) continue;
      for (const auto& step : pointers(record->key.kind)) {
        auto key = pointed(*record, step);
        const bool fresh = key && std::none_of(out.begin(), out.end(), [&](const RecordKey& k) {
                             return k.kind == key->kind;
                           });
        if (fresh) out.push_back(std::move(*key));
      }
    }
    level_end = out.size();
  }
  return out;
}

}  // namespace dealwright::rules
