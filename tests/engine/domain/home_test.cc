#include "engine/domain/home.h"

#include "engine/codec/json.h"
#include "engine/domain/form.h"
#include "tests/table.h"

namespace dealwright {
namespace {

TEST(HomeTest, TheCustomerOfARecordThatNobodyKnows) {
  expect_table(R"(
    event                | subject   | data                                                      | then
    lead.captured        | lead/l1   | {}                                                        | lead/l1
    lead.captured        | lead/l1   | {"account":"a1","contact":"c1"}                           | account/a1
    lead.captured        | lead/l1   | {"contact":"c1"}                                          | lead/l1
    contact.updated      | contact/c | {"set":{"name":"Ann"}}                                    | contact/c
    contact.updated      | contact/c | {"set":{"account":"a1"}}                                  | account/a1
    account.updated      | account/a | {"set":{"parent":"a0"}}                                   | account/a
    deal.opened          | deal/d    | {"pipeline":"p"}                                          | deal/d
    deal.opened          | deal/d    | {"pipeline":"p","lead":"l1"}                              | lead/l1
    deal.opened          | deal/d    | {"pipeline":"p","lead":"l1","account":"a1"}               | account/a1
    deal.opened          | deal/d    | {"pipeline":"p","contacts":[{"contact":"c1"},{"contact":"c2"}]} | contact/c1
    deal.stage_changed   | deal/d    | {"to":"offer"}                                            | deal/d
    offer.sent           | offer/o   | {"deal":"d1"}                                             | deal/d1
    offer.sent           | offer/o   | {}                                                        | offer/o
    contract.drafted     | contract/k | {"deal":"d1","account":"a1"}                             | account/a1
    survey.sent          | survey/s  | {"contact":"c1","kind":"nps","deal":"d1"}                 | contact/c1
    task.created         | task/t    | {"kind":"call","title":"x","about":"deal/d1"}             | deal/d1
    task.created         | task/t    | {"kind":"call","title":"x","about":"user/u1"}             | task/t
    task.created         | task/t    | {"kind":"call","title":"x","about":"the boss"}            | task/t
    note.added           | deal/d    | {"text":"x"}                                              | deal/d
    com.example.left     | cart/7    | {"account":"a1"}                                          | cart/7
  )",
               [](const Row& row) {
                 Event event;
                 const auto* spec = event_spec(row["event"]);
                 if (spec != nullptr) event.type = spec->type;
                 if (spec == nullptr) event.foreign_type = row["event"];
                 event.subject = parse_record_key(row["subject"]);
                 const auto data = codec::parse_json(row["data"]);
                 EXPECT_TRUE(data) << row["data"];
                 if (data) {
                   EXPECT_TRUE(fill_data(event, *data.value().as_map()).empty()) << row["data"];
                 }
                 return customer_of(event);
               });
}

TEST(HomeTest, ReferenceDataAreNobodys) {
  for (const auto kind : {Kind::kUser, Kind::kTeam, Kind::kProduct, Kind::kRule, Kind::kImport}) {
    EXPECT_FALSE(has_home(kind)) << kind_name(kind);
  }
  for (const auto kind : {Kind::kForeign, Kind::kAccount, Kind::kSurvey}) {
    EXPECT_TRUE(has_home(kind)) << kind_name(kind);
  }
}

}  // namespace
}  // namespace dealwright
