#include "connectors/import/mapping.h"

#include <gtest/gtest.h>

#include "tests/connectors/import/reading.h"

namespace dealwright::import {
namespace {

std::string wrong(const std::string& text) {
  auto mapping = parse_mapping(text, "m.yaml");
  return mapping ? "" : mapping.error().detail;
}

const std::string kHead = "mapping: m\nformat: csv\n";

TEST(MappingTest, SaysWhatIsWrongWhereAndHowToMendIt) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a: [",
       "m.yaml:2:1 error IM1001 not YAML: did not find expected node content; put quotes around "
       "text with "
       "': ' or ' #', or that begins with one of { [ * & ! %"},
      {"", "m.yaml:1:1 error IM1001 the file is empty"},
      {"a: &x 1\n", "m.yaml:1:4 error IM1002 an anchor is not taken; write the value out"},
      {"a: !!str 1\n", "m.yaml:1:4 error IM1002 a tag is not taken; leave out the '!'"},
      {"a: 1\na: 2\n", "m.yaml:2:1 error IM1003 'a' stands here twice; the first is in line 1"},
      {"a: 1\n---\nb: 1\n",
       "m.yaml:2:1 error IM1002 a second document is not taken; one document a file"},
      {kHead, "m.yaml:1:1 error IM1005 key 'emit' is missing"},
      {kHead + "emti: []\nemit: [{ type: lead.recycled, subject: \"lead/{Id}\" }]\n",
       "m.yaml:3:1 error IM1004 unknown key 'emti'; did you mean 'emit'?"},
      {"mapping: m\nformat: xml\nemit: [{ type: lead.recycled, subject: \"lead/{Id}\" }]\n",
       "m.yaml:2:9 error IM1006 'xml' is no value here; one of csv, xes"},
      {kHead + "zone: Mars/Base\nemit:\n  - type: deal.opend\n    subject: deal/{Id}\n",
       "m.yaml:3:7 error IM2006 unknown zone 'Mars/Base'; such as Europe/Amsterdam\n"
       "m.yaml:5:11 error IM2002 unknown event type 'deal.opend'; did you mean 'deal.opened'? A "
       "foreign one is "
       "written com.example.cart_left"},
      {kHead + "emit:\n  - type: deal.opened\n    subject: deal/{Id}\n    data: { pipeline: p, "
               "amout: \"{V}\" }\n",
       "m.yaml:6:26 error IM2001 unknown field 'amout' of deal.opened; did you mean 'amount'? Else "
       "put it under extra"},
      {kHead + "emit:\n  - type: deal.opened\n    subject: deal/{Id}\n",
       "m.yaml:4:5 error IM1005 deal.opened needs data.pipeline; text"},
      {kHead + "emit:\n  - type: lead.recycled\n    subject: deal/{Id}\n",
       "m.yaml:5:14 error IM2004 lead.recycled is not about a deal"},
      {kHead + "emit:\n  - type: lead.recycled\n    subject: \"{Id}\"\n",
       "m.yaml:5:14 error IM2004 a subject begins with its kind; deal/{Id}"},
      {kHead + "emit:\n  - type: lead.recycled\n    subject: \"lead/{Id|loud}\"\n",
       "m.yaml:5:14 error IM2005 unknown filter 'loud'; lower, upper or slug"},
      {kHead +
           "emit:\n  - type: lead.qualified\n    subject: lead/{Id}\n    data: { level: hot }\n",
       "m.yaml:6:20 error IM2003 \"hot\" is no value of level; write one of mql, sql"},
      {kHead +
           "emit:\n  - type: offer.sent\n    subject: offer/{Id}\n    take: { newest: offers }\n",
       "m.yaml:6:21 error IM2005 unknown records 'offers'; name them under records"},
      {kHead +
           "records: { offers: \"x\" }\nemit: [{ type: lead.recycled, subject: \"lead/{Id}\" }]\n",
       "m.yaml:3:10 error IM1005 records need `case`: what tells one case from another; case: "
       "\"{case:concept:name}\"\n"
       "m.yaml:3:20 error IM1006 the id needs {@n}; \"{@case}-{@n}\""},
      {kHead + "policy: drip\nemit: [{ type: lead.recycled, subject: \"lead/{Id}\" }]\n",
       "m.yaml:3:9 error IM1006 drip needs a rate; policy: { drip: 100 }"},
      {kHead + "emit: [{ type: team.load_measured, subject: \"team/{Id}\", data: { result: { a: 1 "
               "} } }]\n",
       "m.yaml:3:16 error IM2002 only the engine itself says team.load_measured"},
      {kHead + "aliases: { Stage: { a: b } }\nemit: [{ type: lead.recycled, subject: \"lead/{Id}\" "
               "}]\n",
       "m.yaml:3:12 error IM2005 no event is made of column 'Stage'; use it below emit, or drop "
       "its aliases"},
      {kHead + "before:\n  - { type: fx.rate_set, subject: fx/a, data: { base: EUR, quote: USD, "
               "rate: much, on: 2026-01-01 } }\n"
               "emit: [{ type: lead.recycled, subject: \"lead/{Id}\" }]\n",
       "m.yaml:4:5 error IM2003 /data/rate: \"much\" is no decimal; write \"0.0061\""},
      {kHead + "notation: { dates: \"%d/%m\" }\nemit: [{ type: lead.recycled, subject: "
               "\"lead/{Id}\" }]\n",
       "m.yaml:3:20 error IM1006 a format names year, month and day: %d/%m/%Y"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(wrong(text), expected) << text;
}

TEST(MappingTest, ReadsTheExamples) {
  for (const char* name : {"bpi2012", "opportunities", "leads"}) {
    const auto path = std::string{DW_SOURCE_DIR "/docs/examples/"} + name + ".mapping.yaml";
    EXPECT_EQ(wrong(slurp(path)), "") << name;
  }
}

TEST(MappingTest, HasLimits) {
  EXPECT_NE(wrong(std::string(300'000, ' ')).find("IM1009"), std::string::npos);
  std::string deep = "emit: ";
  for (int i = 0; i < 40; ++i) deep += "[";
  EXPECT_NE(wrong(deep), "");
  std::string many = kHead + "emit:\n";
  for (int i = 0; i < 1'001; ++i) many += "  - { type: lead.recycled, subject: \"lead/{Id}\" }\n";
  EXPECT_NE(wrong(many).find("IM1009 more than 1000 entries under emit"), std::string::npos);
}

}  // namespace
}  // namespace dealwright::import
