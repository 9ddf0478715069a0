#include "engine/codec/foreign_record.h"

#include <gtest/gtest.h>

#include "engine/codec/cloudevents_json.h"
#include "engine/codec/event_codec.h"

namespace dealwright::codec {
namespace {

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

std::string record(Headers headers, std::string_view value,
                   std::optional<std::string_view> key = std::nullopt) {
  std::string out;
  encode(ForeignRecord{key, std::move(headers), value}, out);
  return out;
}

const Headers kDeal = {{"ce_specversion", "1.0"}, {"ce_id", "e1"},
                       {"ce_source", "crm"},      {"ce_type", "deal.opened"},
                       {"ce_subject", "deal/d1"}, {"content-type", "application/json"}};

constexpr std::string_view kData = R"({"pipeline":"p"})";

Event must_decode(std::string_view bytes) {
  Event out;
  const auto decoded = decode(bytes, out);
  EXPECT_TRUE(decoded.has_value()) << decoded.error().detail;
  return out;
}

std::string code_of(std::string_view bytes) {
  Event out;
  const auto faults = decode_foreign(bytes, out);
  return faults.empty() ? "" : faults.front().code;
}

TEST(ForeignRecord, IsKeptAsItCame) {
  const std::string_view value{"\0\xff of any bytes", 15};
  const auto bytes = record({{"a", "1"}, {"a", "2"}, {"", ""}}, value, "key");
  ASSERT_TRUE(is_foreign(bytes));
  const auto back = read_foreign(bytes);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back.value().key, "key");
  EXPECT_EQ(back.value().headers, (Headers{{"a", "1"}, {"a", "2"}, {"", ""}}));
  EXPECT_EQ(back.value().value, value);
  EXPECT_EQ(find_header(back.value(), "a"), "1");
  EXPECT_FALSE(find_header(back.value(), "b"));
  const auto none = read_foreign(record({}, ""));
  ASSERT_TRUE(none.has_value());
  EXPECT_FALSE(none.value().key);
  // Cut anywhere it is no other record.
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = read_foreign(std::string_view{bytes}.substr(0, size));
    EXPECT_TRUE(!cut.has_value() || cut.value().value != value) << size;
  }
}

TEST(ForeignRecord, NoEventOfOursIsTakenForOne) {
  std::string bytes;
  encode(Event{}, bytes);
  EXPECT_FALSE(is_foreign(bytes));
}

TEST(ForeignRecord, AttributesInHeadersAreAnEvent) {
  auto headers = kDeal;
  headers.emplace_back("ce_time", "2026-03-02T09:00:00Z");
  headers.emplace_back("ce_partitionkey", "account/a1");
  headers.emplace_back("ce_importrow", "7");
  headers.emplace_back("ce_mine", "x");
  headers.emplace_back("ce_empty", "");
  headers.emplace_back("ce_datacontenttype", "text/plain");  // the header content-type says it
  headers.emplace_back("other", "no attribute");
  const auto event =
      must_decode(record(headers, R"({"pipeline":"p","amount":"2500 EUR","mine":1})", "key"));
  EXPECT_EQ(event.id, "e1");
  EXPECT_EQ(event.type, TypeId::kDealOpened);
  EXPECT_EQ(to_text(event.subject), "deal/d1");
  EXPECT_EQ(event.partition_key, "account/a1");
  EXPECT_EQ(event.import_row, 7U);
  ASSERT_TRUE(event.time);
  EXPECT_EQ(event.extensions, (Map{{"mine", Value{"x"}}}));
  EXPECT_EQ(event.data.money(Field::kAmount)->minor, 250'000);
}

// What comes by HTTP and what comes by Kafka is the same event.
TEST(ForeignRecord, StructuredIsWhatTheDoorReads) {
  const std::string text =
      R"({"specversion":"1.0","id":"e1","source":"crm","type":"deal.opened","subject":"deal/d1",)"
      R"("data":{"pipeline":"p"}})";
  Event by_http;
  ASSERT_TRUE(parse_cloudevent(text, by_http).empty());
  for (const std::string_view type :
       {"application/cloudevents+json", "Application/CloudEvents+JSON; charset=UTF-8"}) {
    EXPECT_EQ(must_decode(record({{"content-type", type}}, text)), by_http) << type;
  }
  EXPECT_EQ(must_decode(record({}, text)), by_http);
  // Attributes in headers too are redundant in structured mode.
  auto both = kDeal;
  both.back() = {"content-type", "application/cloudevents+json"};
  EXPECT_EQ(must_decode(record(both, text)), by_http);
}

TEST(ForeignRecord, TheKeyIsThePartitionKeyUnlessOneIsNamed) {
  EXPECT_EQ(must_decode(record(kDeal, kData, "acme")).partition_key, "acme");
  EXPECT_EQ(must_decode(record(kDeal, kData)).partition_key, "");
  EXPECT_EQ(must_decode(record(kDeal, kData, "\xff")).partition_key, "");
}

TEST(ForeignRecord, ATraceOfATracerGoesOn) {
  constexpr std::string_view kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  auto headers = kDeal;
  headers.emplace_back("traceparent", kTrace);
  EXPECT_EQ(must_decode(record(headers, kData)).traceparent, kTrace);
  headers.back().second = "forged\r\n";
  EXPECT_EQ(must_decode(record(headers, kData)).traceparent, "");
}

TEST(ForeignRecord, OtherDataIsKeptForTypesOfOthers) {
  auto headers = kDeal;
  headers[3].second = "com.example.scan";
  headers[5].second = "image/png";
  const auto event = must_decode(record(headers, "\x89PNG"));
  EXPECT_EQ(event.content_type, "image/png");
  EXPECT_EQ(event.opaque, "iVBORw==");
}

TEST(ForeignRecord, WhatIsWrongIsNamed) {
  EXPECT_EQ(code_of(record({}, "")), "bad_envelope");
  EXPECT_EQ(code_of(record({}, "no JSON")), "bad_envelope");
  EXPECT_EQ(code_of(record({{"content-type", "application/cloudevents+avro"}}, "x")),
            "bad_envelope");
  EXPECT_EQ(code_of(record(kDeal, "{")), "bad_data");
  const auto with = [](std::string_view name, std::string_view value) {
    auto headers = kDeal;
    for (auto& header : headers) {
      if (header.first == name) header.second = value;
    }
    headers.emplace_back(name, value);
    return record(headers, "{}");
  };
  EXPECT_EQ(code_of(with("ce_time", "yesterday")), "bad_time");
  EXPECT_EQ(code_of(with("ce_specversion", "0.3")), "bad_envelope");
  EXPECT_EQ(code_of(with("ce_type", "rule.held")), "reserved_type");
  EXPECT_EQ(code_of(with("ce_source", "\xff")), "bad_envelope");
  EXPECT_EQ(code_of(record(kDeal, R"({"amount":"2500"})")), "bad_money");
  EXPECT_EQ(code_of("\0\xff\xff"), "bad_envelope");
  EXPECT_EQ(code_of(""), "bad_envelope");
}

}  // namespace
}  // namespace dealwright::codec
