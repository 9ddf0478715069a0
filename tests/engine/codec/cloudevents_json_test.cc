#include "engine/codec/cloudevents_json.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/engine/codec/samples.h"

namespace dealwright::codec {
namespace {

const std::string kConformance = DW_SOURCE_DIR "/../shared/conformance/cloudevents/";

std::string text_of(const std::string& path) {
  std::ifstream in{path};
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// With members of JSON only: what no JSON can say comes in by other doors.
Event plain_event(Sampler& sampler, const EventSpec& spec) {
  auto event = sampler.event(spec.type);
  event.id = event.source = event.subject.id = "e" + std::to_string(sampler.below(1000));
  if (!event.partition_key.empty()) event.partition_key = event.id;
  for (const auto& field : spec.data) {
    auto plain = field;
    plain.personal = false;
    if (event.data.find(field.field) != nullptr)
      event.data.set(field.field, sampler.value_of(plain));
  }
  event.extra = {{"colour 7", Value{"red"}}, {"size 9", Value{12}}};
  event.extensions = {{"comexampleflag", Value{true}}, {"comexampletag", Value{"t"}}};
  event.key_id.clear();
  event.mac.clear();
  event.opaque.clear();
  event.content_type.clear();
  return event;
}

std::string codes(const std::vector<FormError>& errors) {
  std::string out;
  for (const auto& error : errors)
    out += (out.empty() ? "" : "; ") + error.code + " " + error.pointer;
  return out;
}

TEST(CloudEventsJsonTest, WhatIsWrittenReadsBackAlike) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Sampler sampler{seed};
    for (const auto& spec : all_event_specs()) {
      if (spec.group == EventGroup::kOwn) continue;
      const auto text = to_cloudevent(plain_event(sampler, spec));
      Event back;
      const auto errors = parse_cloudevent(text, back);
      ASSERT_EQ(codes(errors), "") << text;
      ASSERT_EQ(to_cloudevent(back), text);
    }
  }
}

TEST(CloudEventsJsonTest, SampleOfEveryTypeComesBackEqual) {
  for (const auto& spec : all_event_specs()) {
    const auto event = sample_event(spec.type);
    Event back;
    const auto errors = parse_cloudevent(to_cloudevent(event), back);
    if (spec.group == EventGroup::kOwn) {
      EXPECT_EQ(codes(errors), "reserved_type /type") << spec.name;
      continue;
    }
    EXPECT_EQ(codes(errors), "") << to_cloudevent(event);
    EXPECT_EQ(to_cloudevent(back), to_cloudevent(event));
  }
}

TEST(CloudEventsJsonTest, ForeignTypesAndOpaqueDataComeBackEqual) {
  for (
      const auto* text :
      {R"({"data":{"a":[1,2.5,null,true],"b":{"c":"d"}},"id":"1","source":"s","specversion":"1.0","subject":"cart/7","type":"com.example.cart_left"})",
       R"({"data_base64":"Zm9vYg==","datacontenttype":"image/png","id":"1","source":"s","specversion":"1.0","subject":"deal/7","type":"com.example.picture"})",
       R"({"data":{"value":"Hello"},"datacontenttype":"text/plain","id":"1","source":"s","specversion":"1.0","subject":"x","type":"com.example.text"})"}) {
    Event event;
    EXPECT_EQ(codes(parse_cloudevent(text, event)), "") << text;
    EXPECT_EQ(to_cloudevent(event), text);
  }
}

struct Refused {
  const char* why;
  const char* change;  // members put over those of a sound deal.opened, as JSON
  const char* expect;  // code and pointer of each thing wrong
  const char* hint;    // within the first one's
};

// A sound event with some members replaced; a null member is taken out.
std::string changed(std::string_view change) {
  auto sound = parse_json(
      R"({"specversion":"1.0","id":"e1","source":"crm","type":"deal.opened","subject":"deal/d1",
          "time":"2026-03-02T09:00:00Z","data":{"pipeline":"p"}})");
  Map event = *sound.value().as_map();
  auto over = parse_json(change);
  EXPECT_TRUE(over) << change;
  for (const auto& member : *over.value().as_map()) {
    std::erase_if(event, [&](const auto& m) { return m.first == member.first; });
    if (!member.second.null()) event.push_back(member);
  }
  return to_json(Value{std::move(event)});
}

constexpr Refused kRefused[] = {
    {"no version", R"({"specversion":null})", "bad_envelope /specversion", "1.0"},
    {"another version", R"({"specversion":"0.3"})", "bad_envelope /specversion", "1.0"},
    {"no id", R"({"id":null})", "bad_envelope /id", "unique per source"},
    {"an id that is no text", R"({"id":7})", "bad_envelope /id; bad_envelope /id",
     "\"id\":\"...\""},
    {"an id with a control character", R"({"id":"a\u0007"})", "bad_envelope /id", "200 bytes"},
    {"no source", R"({"source":null})", "bad_envelope /source", "a URI"},
    {"no type", R"({"type":null})", "bad_envelope /type", "deal.opened"},
    {"no subject", R"({"subject":null})", "bad_envelope /subject", "deal/d1"},
    {"a subject of another kind", R"({"subject":"lead/l1"})", "bad_envelope /subject",
     "has to fit the type"},
    {"a time without zone", R"({"time":"2026-03-02T09:00:00"})", "bad_time /time", "T09:00:00Z"},
    {"a day that does not exist", R"({"time":"2026-02-30T09:00:00Z"})", "bad_time /time", "T09"},
    {"a time that is a number", R"({"time":1772442000})", "bad_time /time", "T09:00:00Z"},
    {"a policy that is none", R"({"policy":"loud"})", "bad_envelope /policy", "fire, drip"},
    {"a row below 1", R"({"importrow":0})", "bad_envelope /importrow", "\"importrow\":1"},
    {"a partition key too long", R"({"partitionkey":"\u0001"})", "bad_envelope /partitionkey",
     "200 bytes"},
    {"an extension that is an object", R"({"extra":{"a":1}})", "bad_envelope /extra", "below data"},
    {"a type of the engine's own", R"({"type":"kpi.measured","data":{"name":"n","number":"1"}})",
     "reserved_type /type", "com.example"},
    {"data that is no object", R"({"data":[1]})", "bad_data /data", "\"data\":{...}"},
    {"a required member missing", R"({"data":{}})", "bad_data /data/pipeline", "needs it"},
    {"a required member null", R"({"data":{"pipeline":null}})", "bad_data /data/pipeline",
     "needs it"},
    {"data as bytes for a type of ours", R"({"data":null,"data_base64":"Zm9v"})",
     "bad_data /data_base64", "\"data\":{...}"},
    {"both forms of data", R"({"data_base64":"Zm9v","type":"com.example.x"})",
     "bad_envelope /data_base64", "one of the two"},
    {"no base64", R"({"data":null,"data_base64":"Zm9v!","type":"com.example.x"})",
     "bad_data /data_base64", "RFC 4648"},
    {"base64 that is no text", R"({"data":null,"data_base64":7,"type":"com.example.x"})",
     "bad_data /data_base64", "RFC 4648"},
    {"money that is a number", R"({"data":{"pipeline":"p","amount":100}})",
     "bad_money /data/amount", "2500 EUR"},
    {"money with too many decimals", R"({"data":{"pipeline":"p","amount":"1.234 EUR"}})",
     "bad_money /data/amount", ""},
    {"money of no currency", R"({"data":{"pipeline":"p","amount":{"minor":1,"currency":"eu"}}})",
     "bad_money /data/amount", ""},
    {"money beyond 64 bits", R"({"data":{"pipeline":"p","amount":"99999999999999999999 EUR"}})",
     "bad_money /data/amount", ""},
    {"a date that does not exist", R"({"data":{"pipeline":"p","close_date":"2026-13-01"}})",
     "bad_time /data/close_date", ""},
    {"a value outside its set", R"({"data":{"pipeline":"p","kind":"huge"}})", "bad_data /data/kind",
     "new, expansion, renewal"},
    {"an integer with a part", R"({"data":{"pipeline":"p","probability":1.5}})",
     "bad_data /data/probability", "42"},
    {"a boolean as text", R"({"type":"deal.lost","data":{"no_decision":"yes"}})",
     "bad_data /data/no_decision", "true or false"},
    {"an id of another kind's form", R"({"data":{"pipeline":"p","lead":""}})",
     "bad_data /data/lead", "200 bytes"},
    {"two things at once", R"({"id":null,"data":{"pipeline":7}})",
     "bad_data /data/pipeline; bad_envelope /id", ""},
};

TEST(CloudEventsJsonTest, EachRefusalSaysWhatWhereAndHowToMendIt) {
  Event event;
  ASSERT_EQ(codes(parse_cloudevent(changed("{}"), event)), "");
  for (const auto& row : kRefused) {
    const auto errors = parse_cloudevent(changed(row.change), event);
    EXPECT_EQ(codes(errors), row.expect) << row.why;
    if (errors.empty()) continue;
    EXPECT_FALSE(errors.front().detail.empty()) << row.why;
    EXPECT_NE((errors.front().hint + errors.front().detail).find(row.hint), std::string::npos)
        << row.why << ": " << render(errors.front());
    EXPECT_FALSE(std::string_view{row.hint}.empty() ? false : errors.front().hint.empty())
        << row.why << ": no hint";
  }
}

// Few keys are compared one by one, many by a set; both find one that comes again.
TEST(JsonTest, AKeyStandsThereOnce) {
  const auto object = [](int keys, const std::string& more) {
    std::string out = "{";
    for (int i = keys; i > 0; --i) out += "\"k" + std::to_string(i) + "\":{\"k1\":0},";
    return out + more + "}";
  };
  for (const int keys : {1, 2, 31, 32, 33, 34, 100}) {
    const auto good = parse_json(object(keys, "\"l\":1"), {});
    ASSERT_TRUE(good) << keys << ": " << good.error().detail;
    EXPECT_EQ(good.value().as_map()->size(), static_cast<std::size_t>(keys) + 1);
    EXPECT_TRUE(std::is_sorted(good.value().as_map()->begin(), good.value().as_map()->end(),
                               [](const auto& a, const auto& b) { return a.first < b.first; }));
    for (const int again : {1, keys}) {
      const auto key = "\"k" + std::to_string(again) + "\"";
      const auto bad = parse_json(object(keys, key + ":1"), {});
      ASSERT_FALSE(bad) << keys << " " << again;
      EXPECT_NE(bad.error().detail.find(key + " stands there twice"), std::string::npos);
    }
  }
}

TEST(ValueTest, OfEqualKeysTheLastStands) {
  for (const int keys : {1, 5, 31, 33, 200}) {
    Map map;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < keys; ++i) map.emplace_back("k" + std::to_string(i * 7 % keys), round);
    }
    const Value value{std::move(map)};
    ASSERT_EQ(value.as_map()->size(), static_cast<std::size_t>(keys));
    for (const auto& [key, number] : *value.as_map()) EXPECT_EQ(number, Value{2}) << key;
  }
}

TEST(CloudEventsJsonTest, TextThatIsNoEventIsRefused) {
  struct Row {
    std::string text;
    const char* detail;
  };
  const Row rows[] = {
      {"", "no valid JSON"},
      {"[]", "JSON object"},
      {"{\"id\":1", "no valid JSON at byte"},
      {"{\"id\":\"a\",\"id\":\"b\"}", "stands there twice"},
      {"{\"id\":\"\xff\"}", "no valid JSON at byte"},
      {"{\"n\":123456789012345678901}", "beyond 64 bits"},
      {"{\"n\":" + std::string(500, '1') + "}", "beyond 64 bits"},
      {"{\"n\":0." + std::string(500, '1') + "}", "too long"},
      {"{} x", "no valid JSON at byte"},
      {"{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}", "nested deeper than 64"},
      {std::string((1 << 20) + 1, ' '), "longer than"},
  };
  for (const auto& row : rows) {
    Event event;
    const auto errors = parse_cloudevent(row.text, event);
    ASSERT_FALSE(errors.empty()) << row.text.substr(0, 60);
    EXPECT_EQ(errors.front().code, "bad_envelope");
    EXPECT_NE(errors.front().detail.find(row.detail), std::string::npos) << errors.front().detail;
    EXPECT_FALSE(errors.front().hint.empty());
  }
}

// The published schema uses `required`, `type` and `minLength` through one level of `$ref`.
std::string violates(const Map& schema, const Map& event) {
  const auto* definitions = find(schema, "definitions")->as_map();
  for (const auto& name : *find(schema, "required")->as_list()) {
    if (find(event, *name.as_text()) == nullptr) return *name.as_text() + " is missing";
  }
  for (const auto& [name, property] : *find(schema, "properties")->as_map()) {
    const auto* value = find(event, name);
    if (value == nullptr) continue;
    const auto ref = find(*property.as_map(), "$ref")->text_or_empty();
    const auto& definition = *find(*definitions, ref.substr(ref.rfind('/') + 1))->as_map();
    const auto* type = find(definition, "type");
    const auto kind = value->as_text() != nullptr ? "string" : "object";
    bool allowed = type->text_or_empty() == kind;
    if (const auto* types = type->as_list()) {
      for (const auto& one : *types) allowed = allowed || one.text_or_empty() == kind;
    }
    if (!allowed) return name + " is no " + to_json(*type);
    const auto* least = find(definition, "minLength");
    if (least != nullptr && value->as_text() != nullptr && value->as_text()->empty())
      return name + " is empty";
  }
  return {};
}

TEST(CloudEventsJsonTest, WhatIsWrittenFitsThePublishedSchema) {
  const auto path = kConformance + "cloudevents.schema.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const auto schema = parse_json(text_of(path));
  ASSERT_TRUE(schema) << schema.error().detail;
  ASSERT_NE(violates(*schema.value().as_map(), Map{}), "");
  for (const auto& spec : all_event_specs()) {
    const auto text = to_cloudevent(sample_event(spec.type));
    const auto event = parse_json(text);
    ASSERT_TRUE(event);
    EXPECT_EQ(violates(*schema.value().as_map(), *event.value().as_map()), "") << text;
  }
}

// The structured-mode bodies of the specification's scenarios. They lack a subject, which ours
// need.
TEST(CloudEventsJsonTest, ReadsTheSpecificationsScenarios) {
  const auto path = kConformance + "http-protocol-binding.feature";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const auto feature = text_of(path);
  int bodies = 0;
  for (std::size_t at = 0; (at = feature.find("\"specversion\"", at)) != std::string::npos; ++at) {
    const auto first = feature.rfind('{', at);
    auto body = feature.substr(first, feature.find("\"\"\"", at) - first);
    Event event;
    EXPECT_EQ(codes(parse_cloudevent(body, event)), "bad_envelope /subject") << body;
    body.insert(1, "\"subject\":\"thing/1\",");
    EXPECT_EQ(codes(parse_cloudevent(body, event)), "") << body;
    EXPECT_EQ(event.id, "1234-1234-1234");
    EXPECT_EQ(event.source, "/mycontext/subcontext");
    EXPECT_EQ(event.type_name(), "com.example.someevent");
    EXPECT_EQ(to_json(Value{data_of(event)}), R"({"message":"Hello World!"})");
    ++bodies;
  }
  EXPECT_GE(bodies, 1);
}

}  // namespace
}  // namespace dealwright::codec
