#include "tests/engine/domain/story.h"

#include <gtest/gtest.h>

#include <sstream>

#include "engine/codec/json.h"
#include "engine/domain/form.h"

namespace dealwright {
namespace {

constexpr std::pair<Kind, const char*> kFirst[] = {
    {Kind::kDeal, "d"},   {Kind::kLead, "l"}, {Kind::kContact, "c"},  {Kind::kAccount, "a"},
    {Kind::kOffer, "o"},  {Kind::kTask, "t"}, {Kind::kContract, "k"}, {Kind::kTicket, "i"},
    {Kind::kSurvey, "s"}, {Kind::kFx, "r"},   {Kind::kTarget, "g"},   {Kind::kPipeline, "p"},
    {Kind::kUser, "u"},   {Kind::kTeam, "m"}, {Kind::kImport, "b"},   {Kind::kProduct, "w"},
};

bool within(TypeId type, TypeId first, TypeId last) { return type >= first && type <= last; }

Value value_of(const std::string& text) {
  if (text.front() == '{' || text.front() == '[') {
    auto parsed = codec::parse_json(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? parsed.value() : Value{};
  }
  if (text == "true" || text == "false") return Value{text == "true"};
  const auto sign = text.front() == '-' ? 1U : 0U;
  const auto digits = text.find_first_not_of("0123456789", sign);
  if (digits == std::string::npos && text.size() > sign) {
    return Value{std::int64_t{std::stoll(text)}};
  }
  const bool money = digits != std::string::npos && digits > sign && digits + 3 == text.size() &&
                     text[digits] >= 'A' && text[digits] <= 'Z';
  return money ? Value{text.substr(0, digits) + ' ' + text.substr(digits)} : Value{text};
}

Duration length_of(const std::string& text) {
  const auto n = std::stoll(text);
  return text.back() == 'd' ? days(n) : text.back() == 'h' ? hours(n) : minutes(n);
}

const char* const kPipelines[] = {
    // enforce: flag, any move
    "pipeline.updated "
    "stages=[{\"id\":\"q\",\"probability\":1000},{\"id\":\"demo\",\"probability\":3000},"
    "{\"id\":\"offer\",\"probability\":6000},{\"id\":\"won\",\"category\":\"won\"},"
    "{\"id\":\"lost\",\"category\":\"lost\"}]",
    // enforce: refuse, listed moves
    "pipeline/strict pipeline.updated enforce=refuse moves=listed "
    "stages=[{\"id\":\"q\",\"next\":[\"demo\"]},{\"id\":\"demo\",\"next\":[\"offer\",\"q\",\"won\"]"
    "},"
    "{\"id\":\"offer\",\"required\":[\"close_date\"],\"next\":[\"won\",\"lost\"]},"
    "{\"id\":\"won\",\"category\":\"won\"},{\"id\":\"lost\",\"category\":\"lost\"}]",
};

}  // namespace

Story::Story() {
  for (const auto* pipeline : kPipelines) tell(std::string{"@-90d "} + pipeline);
  facts_.clear();
  refusals_.clear();
  now_ = kNoon;
}

Event Story::read(const std::string& text) {
  Event event;
  event.source = "t";
  event.id = "e" + std::to_string(facts_.size() + 1);
  event.time = now_;
  Map data;
  std::stringstream words{text};
  std::string type;
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (word == "@undated") {
      event.time.reset();
      event.import_batch = "batch";
    } else if (word.front() == '@') {
      event.time = now_ + length_of(word.substr(1));
    } else if (type.empty() && word.find('/') != std::string::npos) {
      event.subject = parse_record_key(word);
    } else if (type.empty()) {
      type = word;
    } else {
      data.emplace_back(word.substr(0, equals), value_of(word.substr(equals + 1)));
    }
  }
  if (const auto* spec = event_spec(type)) {
    event.type = spec->type;
  } else {
    event.foreign_type = type;
  }
  if (event.subject.id.empty()) {
    const auto prefix = type.substr(0, type.find('.'));
    event.subject.kind = prefix == "event" ? Kind::kDeal : kind_of(prefix).value_or(Kind::kDeal);
    for (const auto& [kind, id] : kFirst) {
      if (kind == event.subject.kind) event.subject.id = id;
    }
  }
  const Value sorted{std::move(data)};
  const auto errors = fill_data(event, *sorted.as_map());
  for (const auto& error : errors)
    ADD_FAILURE() << text << ": " << error.pointer << ' ' << error.detail;
  return event;
}

const Record* Story::find(const RecordKey& key) {
  const auto it = records_.find(key);
  return it == records_.end() ? nullptr : &it->second;
}

std::optional<TypeId> Story::fact(const RecordKey& subject, std::string_view source,
                                  std::string_view id) {
  for (const auto& fact : facts_) {
    const bool same = fact.event.source == source && fact.event.id == id;
    if (same && fact.stands && fact.event.subject == subject) return fact.event.type;
  }
  return std::nullopt;
}

void Story::fold(const Fact& fact) {
  const auto& event = fact.event;
  const auto touch = [&](const RecordKey& key) -> Record& {
    auto& record = records_[key];
    record.key = key;
    return record;
  };
  Folded out;
  Record& record = touch(standing_for(event, *this));
  const auto at = place(record, event, fact.ingested, fact.order);
  const bool merged = !record.merged_into.empty();
  evolve(record, event, at, reference_, out);
  for (const auto& implied : implied_by(event)) {
    Event about;
    about.subject = implied.record;
    auto& other = touch(standing_for(about, *this));
    evolve_implied(other, implied, place_implied(other, at), reference_.pipelines, out);
  }
  if (!merged && !record.merged_into.empty()) {
    const auto loser = record;
    Event about;
    about.subject = {loser.key.kind, loser.merged_into};
    merge_into(touch(standing_for(about, *this)), loser, at, out);
  }
  if (event.type == TypeId::kSchemaUpdated) {
    reference_.schemas.put(read_schema(event.data).value(), at.stamp.order);
  }
  if (event.type == TypeId::kPipelineUpdated) {
    reference_.pipelines.put(read_pipeline(event.subject.id, event.data).value(), at.stamp);
  }
}

void Story::fold_all() {
  records_.clear();
  for (const auto& fact : facts_) {
    if (fact.stands) fold(fact);
  }
}

std::string Story::judge(const Event& event) {
  const auto refusal = decide(find(standing_for(event, *this)), event, now_, reference_, *this);
  refusals_.insert(std::string{refusal_name(refusal)});
  return std::string{refusal_name(refusal)};
}

std::string Story::tell(const std::string& text) {
  std::stringstream all{text};
  std::string refusal;
  for (std::string one; std::getline(all, one, ';');) {
    if (one.find_first_not_of(' ') == std::string::npos) continue;
    now_ = now_ + minutes(1);
    const auto event = read(one);
    refusal = judge(event);
    facts_.push_back({event, now_, ++order_, refusal.empty()});
    if (!refusal.empty()) continue;
    if (event.type == TypeId::kEventRetracted) {
      for (auto& fact : facts_) {
        if (fact.event.id == event.data.text(Field::kId)) fact.stands = false;
      }
      fold_all();
    } else if (within(event.type, TypeId::kAccountUnmerged, TypeId::kSurveyUnmerged)) {
      for (auto& fact : facts_) {
        const bool merge = within(fact.event.type, TypeId::kAccountMerged, TypeId::kSurveyMerged);
        if (merge && fact.event.subject == event.subject) fact.stands = false;
      }
      fold_all();
    } else {
      fold(facts_.back());
    }
  }
  return refusal;
}

std::string Story::show(const RecordKey& key, const std::string& fields) const {
  const auto it = records_.find(key);
  if (it == records_.end()) return "unknown";
  const auto& record = it->second;
  const auto& life = record.life;
  std::string out;
  const auto add = [&](const std::string& word) {
    if (!word.empty()) out += (out.empty() ? "" : " ") + word;
  };
  if (!life.opened) add("stub");
  if (key.kind == Kind::kDeal) {
    add(std::string{status_name(life.status())});
    add(life.stage);
    if (life.amount) add(to_text(*life.amount));
    add(life.lost_reason);
    if (life.no_decision) add("no_decision");
    if (life.status() != DealStatus::kOpen) {
      add("closed " + to_short_text(life.closed_at).substr(5, 11));
    }
  } else {
    add(life.state);
  }
  if (life.undated) add("undated");
  if (life.deleted) add("deleted");
  if (record.erased) add("erased");
  if (!record.merged_into.empty()) add("into " + record.merged_into);
  std::stringstream names{fields};
  for (std::string name; names >> name;) {
    const auto field = field_of(name);
    Value scratch;
    const auto* value = field ? record.value(*field, scratch) : nullptr;
    if (value == nullptr) value = record.find_extra(name);
    if (value == nullptr) value = record.find_custom(name);
    const auto* event = event_spec(name);
    if (event != nullptr) {
      add(name + "=" + std::to_string(record.count(event->type)));
    } else {
      add(name + "=" +
          (value == nullptr   ? "-"
           : value->as_text() ? *value->as_text()
                              : to_json(*value)));
    }
  }
  return out;
}

RecordKey record_named(const std::string& text) { return parse_record_key(text); }

}  // namespace dealwright
