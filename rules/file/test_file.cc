#include "rules/file/test_file.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/domain/form.h"

namespace dealwright::rules {
namespace {

using yaml::Node;
using Need = KeySpec::Need;

// Tests leave out what does not matter to them; the engine's door asks for it.
Value placeholder(const FieldSpec& spec, Instant at) {
  switch (spec.type) {
    case FieldType::kInt:
      return Value{0};
    case FieldType::kBool:
      return Value{false};
    case FieldType::kMoney:
      return Value{Money{0, Currency::unchecked('E', 'U', 'R')}};
    case FieldType::kInstant:
      return Value{at};
    case FieldType::kDate:
      return Value{utc_date(at)};
    case FieldType::kEnum:
      return Value{spec.values.front()};
    case FieldType::kTexts:
    case FieldType::kRefs:
      return Value{List{}};
    case FieldType::kJson:
      return Value{Map{}};
    case FieldType::kDecimal:
      return Value{"1"};
    case FieldType::kText:
    case FieldType::kZone:
    case FieldType::kRef:
      return Value{"test"};
  }
  return Value{"test"};
}

class TestReader {
 public:
  TestReader(const Zone& zone, const Schema* schema, Diagnostics& out)
      : zone_{zone}, schema_{schema}, out_{out} {}

  TestCase read(const Node& node) {
    static constexpr KeySpec kKeys[] = {
        {"name", Need::kNeeded}, {"given"}, {"events", Need::kNeeded}, {"expect", Need::kNeeded}};
    TestCase test;
    test.at = node.at;
    if (!check_keys(node, kKeys, "a test", out_)) return test;
    if (const auto* name = node.find("name")) {
      if (const auto* text = read_text(*name, "name", out_)) test.name = *text;
    }
    if (const auto* given = node.find("given")) {
      test.given = records(*given);
    }
    if (const auto* events = node.find("events")) {
      for (const auto& item : events->items) event(item, test);
    }
    if (const auto* expect = node.find("expect")) {
      for (const auto& item : expect->items) expectation(item, test);
    }
    std::stable_sort(test.events.begin(), test.events.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    return test;
  }

  std::vector<TestRecord> records(const Node& given) {
    std::vector<TestRecord> out;
    for (const auto& entry : given.entries) record(entry, out);
    return out;
  }

 private:
  std::optional<Instant> instant(const Node* node) {
    if (node == nullptr || !node->is_scalar()) return std::nullopt;
    const auto parsed = parse_instant_lenient(node->text);
    if (!parsed) {
      out_.error(2003, node->at, fmt::format("'{}' is no instant", node->text),
                 "Write such as 2026-03-02 09:00");
      return std::nullopt;
    }
    const auto& text = node->text;
    const bool offset =
        text.ends_with('Z') || text.ends_with('z') ||
        (text.size() > 16 && (text[text.size() - 6] == '+' || text[text.size() - 6] == '-'));
    return offset ? parsed.value() : zone_.instant({parsed.value().ms});
  }

  void custom(const Node& node, TestRecord& record) {
    const auto kind = record.key.kind;
    if (!node.is_map()) out_.error(1005, node.at, "'custom' is a map of fields");
    for (const auto& entry : node.entries) {
      const auto* field = schema_->find(kind, entry.key);
      if (field == nullptr) {
        std::vector<std::string_view> known;
        for (const auto& f : schema_->fields(kind)) known.push_back(f.name);
        out_.error(2001, entry.at,
                   fmt::format("unknown field '{}.custom.{}'", kind_name(kind), entry.key),
                   did_you_mean(entry.key, known));
      } else if (auto value = read_typed(entry.value, field->spec, out_)) {
        record.custom.emplace_back(entry.key, std::move(*value));
      }
    }
    std::sort(record.custom.begin(), record.custom.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
  }

  void record(const yaml::Entry& entry, std::vector<TestRecord>& out) {
    TestRecord record;
    record.key = parse_record_key(entry.key);
    if (record.key.kind == Kind::kForeign) {
      out_.error(2001, entry.at, fmt::format("'{}' names no record", entry.key),
                 "Write such as deal/d1");
      return;
    }
    const auto& spec = spec_of(record.key.kind);
    for (const auto& field : entry.value.entries) {
      if (field.key == "custom" && schema_ != nullptr) {
        custom(field.value, record);
        continue;
      }
      if (field.key == "custom" || field.key == "extra") {
        auto free = read_free(field.value, out_);
        const auto* map = free ? free->as_map() : nullptr;
        if (map != nullptr) (field.key == "custom" ? record.custom : record.extra) = *map;
        continue;
      }
      const auto known = field_of(field.key);
      const auto* field_spec = known ? spec.find(*known) : nullptr;
      if (field_spec == nullptr) {
        const auto nearest = nearest_field(field.key, spec.fields);
        out_.error(2001, field.at,
                   fmt::format("unknown field '{}.{}'", kind_name(record.key.kind), field.key),
                   nearest.empty() ? "" : fmt::format("Did you mean '{}'?", nearest));
        continue;
      }
      if (auto value = read_typed(field.value, *field_spec, out_))
        record.fields.set(*known, std::move(*value));
    }
    out.push_back(std::move(record));
  }

  void event(const Node& node, TestCase& test) {
    static constexpr KeySpec kKeys[] = {{"at", Need::kNeeded},
                                        {"event", Need::kNeeded},
                                        {"subject", Need::kNeeded},
                                        {"id"},
                                        {"data"},
                                        {"actor"},
                                        {"source"},
                                        {"time"},
                                        {"policy"},
                                        {"batch"}};
    if (!check_keys(node, kKeys, "an event", out_)) return;
    TestEvent out;
    out.place = node.at;
    const auto at = instant(node.find("at"));
    const auto* type = node.find("event");
    const auto* subject = node.find("subject");
    if (!at || type == nullptr || subject == nullptr || !type->is_scalar() || !subject->is_scalar())
      return;
    const auto text = [&](const char* key, std::string otherwise) {
      const auto* found = node.find(key);
      return found != nullptr && found->is_scalar() ? found->text : std::move(otherwise);
    };
    auto& event = out.event;
    out.at = *at;
    event.time = at;
    if (const auto* time = node.find("time")) event.time = instant(time);
    event.source = text("source", "test");
    event.id = text("id", fmt::format("e{}", test.events.size() + 1));
    event.actor = text("actor", "");
    event.import_batch = text("batch", "");
    event.policy = policy_of(text("policy", "")).value_or(Policy::kUnset);
    event.subject = parse_record_key(subject->text);
    EventSet set = EventSet::read(*type, out_);
    if (set.types().size() == 1) {
      event.type = set.types().front();
    } else if (!set.foreign().empty()) {
      event.foreign_type = type->text;
    } else {
      return;
    }
    if (event.type != TypeId::kForeignType && !spec_of(event.type).allows(event.subject.kind)) {
      out_.error(2003, subject->at, fmt::format("{} is not about '{}'", type->text, subject->text));
      return;
    }
    fill(node, event);
    test.events.push_back(std::move(out));
  }

  void fill(const Node& node, Event& event) {
    Map data;
    const auto* found = node.find("data");
    if (found != nullptr) {
      if (auto free = read_free(*found, out_); free && free->as_map() != nullptr)
        data = *free->as_map();
    }
    const auto errors = fill_data(event, data);
    if (event.type != TypeId::kForeignType) {
      for (const auto& field : spec_of(event.type).data) {
        if (field.required && event.data.find(field.field) == nullptr) {
          event.data.set(field.field, placeholder(field, *event.time));
        }
      }
    }
    for (const auto& error : errors) {
      if (error.detail.ends_with(" is missing")) continue;
      out_.error(2003, found == nullptr ? node.at : found->at, error.pointer + ": " + error.detail,
                 error.hint);
    }
  }

  void expectation(const Node& node, TestCase& test) {
    static constexpr std::string_view kKinds[] = {
        "send_email", "send_webhook", "create_task", "close_tasks", "update",    "assign",
        "notify",     "exit",         "error",       "expired",     "suppressed"};
    TestExpectation out;
    out.place = node.at;
    const auto at = instant(node.find("at"));
    if (!node.is_map() || !at) {
      out_.error(1005, node.at,
                 "an expectation is such as { at: 2026-03-05 09:00, send_email: offer-nudge }");
      return;
    }
    out.at = *at;
    for (const auto& entry : node.entries) {
      if (entry.key == "at") continue;
      if (std::find(std::begin(kKinds), std::end(kKinds), entry.key) == std::end(kKinds)) {
        out_.error(1004, entry.at, fmt::format("unknown key '{}' in an expectation", entry.key),
                   did_you_mean(entry.key, std::vector<std::string_view>(std::begin(kKinds),
                                                                         std::end(kKinds))));
        continue;
      }
      out.what = entry.key;
      out.value = entry.value.text;
    }
    if (!out.what.empty()) test.expect.push_back(std::move(out));
  }

  const Zone& zone_;
  const Schema* const schema_;
  Diagnostics& out_;
};

}  // namespace

std::vector<TestRecord> read_given(const Node& given, const Schema* schema, Diagnostics& out) {
  return TestReader{utc(), schema, out}.records(given);
}

std::vector<TestCase> read_tests(const RuleFile& file, std::shared_ptr<const Zone> zone,
                                 const Schema* schema, Diagnostics& out) {
  std::vector<TestCase> tests;
  if (file.tests == nullptr) return tests;
  if (!file.tests->is_list()) {
    out.error(1005, file.tests->at, "'tests' is a list");
    return tests;
  }
  TestReader reader{*zone, schema, out};
  for (const auto& item : file.tests->items) tests.push_back(reader.read(item));
  return tests;
}

}  // namespace dealwright::rules
