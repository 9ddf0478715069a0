// What the schema of an event type allows, the door takes; what it does not, the door refuses.
#include "connectors/daemon/event_schema.h"

#include <gtest/gtest.h>

#include "engine/domain/form.h"
#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

const Value& member(const Value& map, std::string_view name) {
  static const Value kNone;
  const auto* found = map.as_map() == nullptr ? nullptr : find(*map.as_map(), name);
  return found == nullptr ? kNone : *found;
}

// A value that a schema allows, and one that it does not.
Value allowed(const Value& schema) {
  if (const auto* any = member(schema, "anyOf").as_list()) return allowed(any->front());
  if (const auto* values = member(schema, "enum").as_list()) return values->front();
  if (const auto* examples = member(schema, "examples").as_list()) return examples->front();
  const auto format = member(schema, "format").text_or_empty();
  if (format == "date-time") return Value{"2026-03-02T09:00:00Z"};
  if (format == "date") return Value{"2026-03-02"};
  if (const auto* inner = member(schema, "properties").as_map()) {
    Map out;
    for (const auto& [name, form] : *inner) {
      out.emplace_back(name, member(form, "pattern").text_or_empty() == "^[A-Z]{3}$"
                                 ? Value{"EUR"}
                                 : allowed(form));
    }
    return Value{std::move(out)};
  }
  const auto& type = member(schema, "type");
  const auto first =
      type.as_list() == nullptr ? type.text_or_empty() : type.as_list()->front().text_or_empty();
  if (first == "integer" || first == "number") return Value{std::int64_t{7}};
  if (first == "boolean") return Value{true};
  if (first == "array") {
    const auto& items = member(schema, "items");
    return Value{items.as_map() == nullptr ? List{} : List{allowed(items)}};
  }
  return Value{"x1"};
}
Value refused(const Value& allowed) {
  if (allowed.as_list() != nullptr) return Value{"no list"};
  if (allowed.as_bool() != nullptr) return Value{std::int64_t{1}};
  return Value{List{}};
}

Event event_of(const EventSpec& spec) {
  Event out;
  out.type = spec.type;
  for (std::size_t i = 1; i < kKinds && out.subject.id.empty(); ++i) {
    if (spec.allows(static_cast<Kind>(i))) out.subject = {static_cast<Kind>(i), "x1"};
  }
  return out;
}

TEST(EventSchemaTest, WhatItAllowsTheDoorTakes) {
  int fields = 0;
  for (const auto& spec : all_event_specs()) {
    const auto schema = event_schema(spec);
    Map all, least;
    for (const auto& [name, form] : *member(schema, "properties").as_map()) {
      all.emplace_back(name, allowed(form));
    }
    auto event = event_of(spec);
    const auto faults = fill_data(event, all);
    EXPECT_TRUE(faults.empty()) << spec.name << " " << faults.front().detail;
    for (const auto& name : *member(schema, "required").as_list()) {
      least.emplace_back(name.text_or_empty(), *find(all, name.text_or_empty()));
    }
    EXPECT_TRUE(fill_data(event, least).empty()) << spec.name;
    for (std::size_t i = 0; i < least.size(); ++i) {
      auto less = least;
      less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_FALSE(fill_data(event, less).empty()) << spec.name << " " << least[i].first;
    }
    for (auto& [name, value] : all) {
      ++fields;
      auto good = std::exchange(value, refused(value));
      EXPECT_FALSE(fill_data(event, all).empty()) << spec.name << " " << name;
      value = std::move(good);
    }
  }
  EXPECT_GT(fields, 100);
}

TEST(EventSchemaTest, TheServerListsThem) {
  ServiceBed bed;
  const auto list = bed.json(bed.get("/v1/schemas").body);
  ASSERT_NE(list.as_list(), nullptr);
  EXPECT_EQ(list.as_list()->size(), all_event_specs().size());
  for (const auto& row : *list.as_list()) {
    const auto name = std::string{member(row, "schema").text_or_empty()};
    const auto one = bed.get("/v1/schemas/" + name);
    ASSERT_EQ(one.status, 200) << name;
    EXPECT_EQ(member(bed.json(one.body), "title").text_or_empty(), name);
  }
  const auto wrong = bed.get("/v1/schemas/deal.opend");
  EXPECT_EQ(wrong.status, 404);
  EXPECT_NE(wrong.body.find("deal.opened"), std::string::npos) << wrong.body;
  EXPECT_EQ(bed.get("/v1/schemas/workspace").code(), "not_found") << "none was published";
}

}  // namespace
}  // namespace dealwright::daemon
