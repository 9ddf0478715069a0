#include "connectors/import/mapper.h"

#include <gtest/gtest.h>

#include "engine/domain/form.h"
#include "tests/connectors/import/reading.h"

namespace dealwright::import {
namespace {

// The events that a table gives, without those that open and close the batch.
std::string events(const std::string& mapping, const std::string& table) {
  auto parsed = parse_mapping(mapping, "m.yaml");
  if (!parsed) return parsed.error().detail;
  return print(import_all(table, parsed.value()));
}

const std::string kHead = "mapping: m\nformat: csv\nbatch: b\n";

struct Case {
  const char* name;
  std::string mapping;
  std::string table;
  std::string events;
};

TEST(MapperTest, TurnsRowsIntoEvents) {
  const std::string tested =
      "emit:\n  - { type: lead.recycled, subject: \"lead/{Id}\", when: { S: ";
  const std::vector<Case> cases = {
      {"equal", tested + "x } }\n", "Id,S\n1,x\n2,y\n", "b:1:1 - lead.recycled lead/1\n"},
      {"one of", tested + "[x, z] } }\n", "Id,S\n1,x\n2,y\n3,z\n",
       "b:1:1 - lead.recycled lead/1\nb:3:1 - lead.recycled lead/3\n"},
      {"not", tested + "{ not: [x, z] } } }\n", "Id,S\n1,x\n2,y\n3,\n",
       "b:2:1 - lead.recycled lead/2\nb:3:1 - lead.recycled lead/3\n"},
      {"filled", tested + "{ filled: true } } }\n", "Id,S\n1,x\n2,\n",
       "b:1:1 - lead.recycled lead/1\n"},
      {"empty", tested + "{ filled: false } } }\n", "Id,S\n1,x\n2,\n",
       "b:2:1 - lead.recycled lead/2\n"},
      {"prefix", tested + "{ prefix: W_ } } }\n", "Id,S\n1,W_a\n2,A_b\n",
       "b:1:1 - lead.recycled lead/1\n"},
      {"otherwise",
       tested + "x } }\n  - { type: org.example.row, subject: \"lead/{Id}\", when: otherwise }\n",
       "Id,S\n1,x\n2,y\n", "b:1:1 - lead.recycled lead/1\nb:2:2 - org.example.row lead/2\n"},
      {"nulls and aliases", "nulls: [N/A]\naliases: { S: { ecks: x } }\n" + tested + "x } }\n",
       "Id,S,T\n1,ecks,N/A\n2,N/A,\n3,x,u\n",
       "b:1:1 - lead.recycled lead/1\nb:3:1 - lead.recycled lead/3 +T=\"u\"\n"},
      {"once", "emit:\n  - { type: lead.recycled, subject: \"lead/{Id}\", once: true }\n",
       "Id\n1\n2\n1\n", "b:1:1 - lead.recycled lead/1\nb:2:1 - lead.recycled lead/2\n"},
      {"ignored columns and dropped ones",
       "ignore: [T]\nemit: [{ type: lead.recycled, subject: \"lead/{Id}\" }]\n", "Id,T,U\n1,a,b\n",
       "b:1:1 - lead.recycled lead/1 +U=\"b\"\n"},
      {"typed values",
       "notation: { currency: EUR, dates: \"%d/%m/%Y\" }\nemit:\n  - type: deal.opened\n"
       "    subject: deal/{Id}\n    data:\n      pipeline: p\n      amount: \"{V}\"\n"
       "      close_date: \"{D}\"\n      probability: \"{P}\"\n"
       "      kind: { from: \"{K}\", map: { N: new, R: renewal }, else: expansion }\n"
       "      custom: { seats: { from: \"{P}\", as: int }, vip: true, tags: [\"{K}\", \"{X}\"] }\n",
       "Id,V,D,P,K,X\n1,\"1,200.5\",02/03/2026,5000,N,\n",
       "b:1:1 - deal.opened deal/1 amount=1200.50 EUR pipeline=p kind=new "
       "close_date=\"2026-03-02\" "
       "probability=5000 custom={\"seats\":5000,\"tags\":[\"N\"],\"vip\":true}\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(events(kHead + c.mapping, c.table), c.events) << c.name;
}

TEST(MapperTest, ABadValueMakesItsRowBad) {
  const std::string mapping =
      "notation: { currency: EUR }\nemit:\n"
      "  - { type: lead.captured, subject: \"lead/{Id}\", time: \"{At}\" }\n"
      "  - { type: lead.qualified, subject: \"lead/{Id}\", time: \"{At}\", data: { level: \"{L}\" "
      "} }\n"
      "  - { type: deal.won, subject: \"deal/{Id}\", data: { amount: \"{V}\" } }\n"
      "  - { type: lead.scored, subject: \"lead/{Id}\", data: { score: \"{S}\" } }\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"1,soon,sql,5,1",
       "bad 1@2 bad_time [At]: 'soon' is no instant: no date YYYY-MM-DD; write "
       "2026-03-02T09:00:00Z\n"},
      {"1,2026-01-01,hot,5,1",
       "bad 1@2 bad_data [L]: level: \"hot\" is no value of level; write one of mql, sql\n"},
      {"1,2026-01-01,sql,much,1",
       "bad 1@2 bad_money [V]: amount: 'much' is no amount; digits, or set `decimal`\n"},
      {"1,2026-01-01,sql,5,", "bad 1@2 bad_data: lead.scored needs score; fill its column\n"},
      {",2026-01-01,sql,5,1",
       "bad 1@2 bad_envelope: the subject of lead.captured is empty, longer than 200 bytes or has "
       "control characters; fill its columns\n"},
  };
  for (const auto& [row, expected] : cases) {
    EXPECT_EQ(events(kHead + mapping, "Id,At,L,V,S\n" + row + "\n"), expected) << row;
  }
}

TEST(MapperTest, KeepsTheRecordsOfEachCase) {
  const std::string mapping =
      "order: file\nrest: drop\ncase: \"{C}\"\nrecords: { o: \"{@case}-{@n}\" }\nemit:\n"
      "  - { type: offer.drafted, when: { A: make }, make: o, subject: \"offer/{@o}\", data: { "
      "deal: \"{C}\" } }\n"
      "  - { type: offer.sent, when: { A: newest }, take: { newest: o }, subject: \"offer/{@o}\" "
      "}\n"
      "  - { type: offer.viewed, when: { A: move }, take: { oldest: o, state: open, then: seen }, "
      "subject: \"offer/{@o}\" }\n"
      "  - { type: offer.answered, when: { A: seen }, take: { oldest: o, state: [seen, open], "
      "lacking: skip }, subject: \"offer/{@o}\" }\n"
      "  - { type: offer.withdrawn, when: { A: end }, take: { oldest: o, then: ended }, subject: "
      "\"offer/{@o}\" }\n"
      "  - { type: offer.drafted, when: { A: need }, make: { in: o, unless: any }, subject: "
      "\"offer/{@o}\", data: { deal: \"{C}\" } }\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"7,make\n7,make\n8,make\n7,newest\n8,newest\n",
       "b:1:1 - offer.drafted offer/7-1 deal=7\nb:2:1 - offer.drafted offer/7-2 deal=7\n"
       "b:3:1 - offer.drafted offer/8-1 deal=8\nb:4:2 - offer.sent offer/7-2\nb:5:2 - offer.sent "
       "offer/8-1\n"},
      {"7,make\n7,make\n7,end\n7,newest\n7,end\n7,make\n",
       "b:1:1 - offer.drafted offer/7-1 deal=7\nb:2:1 - offer.drafted offer/7-2 deal=7\n"
       "b:3:5 - offer.withdrawn offer/7-1\nb:4:2 - offer.sent offer/7-2\nb:5:5 - offer.withdrawn "
       "offer/7-2\n"
       "b:6:1 - offer.drafted offer/7-3 deal=7\n"},
      {"7,make\n7,make\n7,move\n7,move\n7,seen\n",
       "b:1:1 - offer.drafted offer/7-1 deal=7\nb:2:1 - offer.drafted offer/7-2 deal=7\n"
       "b:3:3 - offer.viewed offer/7-1\nb:4:3 - offer.viewed offer/7-2\nb:5:4 - offer.answered "
       "offer/7-1\n"},
      {"7,seen\n7,newest\n",
       "bad 2@3 no_record: case 7 has no living one of o for this event; make one in the mapping, "
       "or set lacking: skip\n"},
      {"7,need\n7,need\n7,end\n7,need\n",
       "b:1:6 - offer.drafted offer/7-1 deal=7\nb:3:5 - offer.withdrawn offer/7-1\n"
       "b:4:6 - offer.drafted offer/7-2 deal=7\n"},
      {",make\n", "bad 1@2 bad_data: the row has no case; fill the column that `case` names\n"},
  };
  for (const auto& [rows, expected] : cases) {
    EXPECT_EQ(events(kHead + mapping, "C,A\n" + rows), expected) << rows;
  }
}

TEST(MapperTest, NamesColumnsThatTheFileHasNot) {
  EXPECT_EQ(events(kHead + "emit: [{ type: lead.recycled, subject: \"lead/{Id}-{Stage}\" }]\n",
                   "id,Stag\n1,2\n"),
            "error: m.yaml speaks of columns that the file has not: 'Id' (id?), 'Stage' (Stag?); "
            "mend the "
            "mapping, or name them in the file\n");
  const std::string log =
      "<log><trace><event><string key=\"Id\" value=\"1\"/></event></trace></log>";
  EXPECT_NE(events("mapping: m\nformat: xes\nemit: [{ type: lead.recycled, subject: "
                   "\"lead/{Id}-{Stage}\" }]\n",
                   log)
                .find("error: m.yaml speaks of columns that the file has not: 'Stage'"),
            std::string::npos);
}

// Whatever a mapping makes has a sound form: data by type, envelope, batch.
TEST(MapperTest, EventsHaveASoundForm) {
  for (const char* name : {"opportunities", "leads"}) {
    const std::string stem = std::string{DW_SOURCE_DIR "/docs/examples/"} + name;
    auto mapping = parse_mapping(slurp(stem + ".mapping.yaml"), name);
    ASSERT_TRUE(mapping.has_value()) << mapping.error().detail;
    const auto imported = import_all(slurp(stem + ".csv"), mapping.value());
    EXPECT_EQ(imported.bad.size(), 0U);
    EXPECT_GT(imported.events.size(), 15U);
    for (const auto& event : imported.events) {
      EXPECT_TRUE(check_envelope(event).empty()) << event.id;
      EXPECT_EQ(event.source, "import/" + event.import_batch);
      EXPECT_EQ(event.policy, Policy::kSuppress);
      for (const auto& field : spec_of(event.type).data) {
        const auto* value = event.data.find(field.field);
        EXPECT_TRUE(value != nullptr || !field.required)
            << event.id << ' ' << field_name(field.field);
        EXPECT_TRUE(value == nullptr || read_value(field, *value).has_value()) << event.id;
      }
    }
  }
}

}  // namespace
}  // namespace dealwright::import
