#include "connectors/import/xes_reader.h"

#include <gtest/gtest.h>

#include "tests/connectors/import/reading.h"

namespace dealwright::import {
namespace {

std::string read(std::string bytes, UnpackLimits limits = {}) {
  auto input = open_text(std::move(bytes), limits);
  if (!input) return "error: " + input.error().detail + '\n';
  return print_rows(*make_xes_reader(std::move(input.value())));
}

constexpr const char* kLog = R"(<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <global scope="event"><string key="concept:name" value="none"/></global>
  <float key="total" value="3"><float key="part" value="2"/></float>
  <trace>
    <string key="concept:name" value="7"/>
    <string key="kind" value="a &amp; b"><string key="deep" value="x"/></string>
    <event>
      <string key="concept:name" value="A"/>
      <date key="time:timestamp" value="2026-01-01T00:00:00Z"/>
      <list key="l"><values><string key="in" value="1"/></values></list>
    </event>
    <event/>
  </trace>
  <trace/>
  <trace><string key="concept:name" value="8"/>
    <event><string value="B" key="concept:name"/><int key="n" value="&#52;"/></event></trace>
</log>
)";

TEST(XesReaderTest, ReadsEventsWithTheirTraces) {
  EXPECT_EQ(read(kLog),
            "1@9 case:concept:name=7 case:kind=a & b concept:name=A "
            "time:timestamp=2026-01-01T00:00:00Z\n"
            "2@14 case:concept:name=7 case:kind=a & b\n"
            "3@18 case:concept:name=8 concept:name=B n=4\n");
  EXPECT_EQ(read(gzip(kLog)), read(kLog));
  EXPECT_EQ(read(gzip(kLog).append(gzip("<!-- more -->"))), read(kLog)) << "two gzip members";
}

TEST(XesReaderTest, SaysWhatIsWrong) {
  const auto trace = [](const std::string& inside) {
    return "<log>\n<trace>\n" + inside + "</trace></log>";
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "error: the file is empty; XES begins with <log>\n"},
      {"<html></html>", "error: line 1: <html> is no XES; it begins with <log>\n"},
      {"<log><trace></log>",
       "error: line 1: Opening and ending tag mismatch: trace line 1 and log; export the process "
       "log again\n"},
      {"not XML", "error: line 1: Document is empty; export the process log again\n"},
      {trace(
           "<event><string value=\"x\"/></event><event><string key=\"a\" value=\"1\"/></event>\n"),
       "bad 1@3 bad_xes: an attribute of the event has no key\n2@3 a=1\n"},
      {trace("<event/>\n<string key=\"a\" value=\"1\"/>"),
       "1@3\nerror: line 4: an attribute of a trace stands behind its events; XES asks for it "
       "before\n"},
  };
  for (const auto& [bytes, expected] : cases) EXPECT_EQ(read(bytes), expected) << bytes;
}

TEST(XesReaderTest, TakesNoDtdAndNoEntities) {
  const std::string log =
      "<log><trace><event><string key=\"a\" value=\"&b;\"/></event></trace></log>";
  const std::string refused =
      "error: line 1: a DTD or an entity of the file's own is not taken; remove it\n";
  EXPECT_EQ(read("<!DOCTYPE log [<!ENTITY b \"boom\">]>" + log), refused);
  EXPECT_EQ(read("<!DOCTYPE log SYSTEM \"file:///etc/passwd\"><log/>"), refused);
  EXPECT_NE(read("<!DOCTYPE log [<!ENTITY b SYSTEM \"http://127.0.0.1:1/x\">]>" + log)
                .find("error: line 1: "),
            std::string::npos);
  EXPECT_NE(read(log).find("error: line 1: "), std::string::npos)
      << "an entity that nobody declared";
}

TEST(XesReaderTest, KnowsLinesBeyondSixteenBits) {
  std::string log = "<log>\n<trace>\n";
  for (int i = 0; i < 70'000; ++i) log += "<event/>\n";
  log += "<event>\n<string value=\"x\"/>\n</event>\n</trace>\n</log>\n";
  const auto rows = read(log);
  EXPECT_NE(rows.find("70000@70002\nbad 70001@70003 bad_xes"), std::string::npos);
}

TEST(XesReaderTest, RefusesDamageAndBombs) {
  auto packed = gzip(std::string{kLog} + std::string(100'000, ' '));
  EXPECT_NE(
      read(packed.substr(0, packed.size() / 2)).find("error: the gzip file ends in the middle"),
      std::string::npos);
  auto bent = packed;
  for (const std::size_t at : {std::size_t{40}, bent.size() / 2, bent.size() - 40}) {
    bent[at] = static_cast<char>(bent[at] ^ 0x55);  // bent text is no XML, or no gzip
    EXPECT_NE(read(bent).find("error: "), std::string::npos) << at;
    bent[at] = static_cast<char>(bent[at] ^ 0x55);
  }
  bent[bent.size() - 6] = static_cast<char>(bent[bent.size() - 6] ^ 0x55);  // the checksum
  EXPECT_NE(read(bent).find("error: the gzip file is damaged: incorrect data check"),
            std::string::npos)
      << "found behind the last event: no clean end";
  const auto bomb = gzip("<log>" + std::string(4U << 20, ' ') + "</log>");
  EXPECT_EQ(read(bomb, {200, 1U << 20, 1U << 30}),
            "error: the gzip file unpacks to more than 200 times its size; unpack it yourself if "
            "it is sound\n");
  EXPECT_EQ(read(bomb, {200, 8U << 20, 2U << 20}),
            "error: the gzip file unpacks to more than 2 MiB; split it\n");
  EXPECT_EQ(read(bomb), "");
}

}  // namespace
}  // namespace dealwright::import
