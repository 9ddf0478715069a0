// What CRMs post, to the events that are made of it by default.
#include <gtest/gtest.h>

#include <set>

#include "tests/connectors/hooks/bed.h"
#include "tests/table.h"

namespace dealwright::hooks {
namespace {

// A notice of HubSpot with the fields that all have.
std::string hubspot(const std::string& type, const std::string& more) {
  return "[{\"subscriptionType\":\"" + type +
         "\",\"portalId\":62515,\"eventId\":1,\"subscriptionId\":2,\"appId\":3,\"attemptNumber\":0,"
         "\"occurredAt\":1564113600000," +
         more + "}]";
}

// Type, subject and the data without what is kept of the payload.
std::string short_form(const Read<HookResult>& read) {
  if (!read) return std::to_string(read.error().status) + " " + read.error().code;
  std::string out;
  for (const auto& event : read.value().events) {
    Map data = codec::data_of(event);
    std::erase_if(data, [](const auto& member) { return member.first == "payload"; });
    out +=
        (out.empty() ? "" : "; ") + std::string{event.type_name()} + " " + to_text(event.subject);
    if (event.type != TypeId::kForeignType && !data.empty()) out += " " + to_json(Value{data});
  }
  for (const auto& left : read.value().left_out) out += "; " + left.code;
  return out;
}

TEST(HubspotTest, NoticesToEvents) {
  const auto hook = hook_of_kind("hubspot",
                                 "settings: { currency: EUR, pipeline: sales }\n"
                                 "tables: { stages: { closedwon: won } }\n");
  expect_table(
      R"(
    type                     | fields                                                                                  | then
    deal.creation            | "objectId":5                                                                            | deal.opened deal/5 {"pipeline":"sales"}
    object.creation          | "objectId":5,"objectTypeId":"0-3"                                                       | deal.opened deal/5 {"pipeline":"sales"}
    deal.propertyChange      | "objectId":5,"propertyName":"dealstage","propertyValue":"closedwon"                     | deal.stage_changed deal/5 {"to":"won"}
    object.propertyChange    | "objectId":5,"objectTypeId":"0-3","propertyName":"dealstage","propertyValue":"demo"     | deal.stage_changed deal/5 {"to":"demo"}
    deal.propertyChange      | "objectId":5,"propertyName":"amount","propertyValue":"2500.50"                          | deal.amount_changed deal/5 {"amount":{"currency":"EUR","minor":250050}}
    deal.propertyChange      | "objectId":5,"propertyName":"amount","propertyValue":"1e3"                              | com.hubspot.deal.propertyChange deal/5; not_mapped
    deal.propertyChange      | "objectId":5,"propertyName":"amount","propertyValue":""                                 | com.hubspot.deal.propertyChange deal/5
    deal.propertyChange      | "objectId":5,"propertyName":"closedate","propertyValue":"1564113600000"                 | deal.close_date_moved deal/5 {"to":"2019-07-26"}
    deal.propertyChange      | "objectId":5,"propertyName":"closedate","propertyValue":"2019-07-26T10:00:00Z"          | deal.close_date_moved deal/5 {"to":"2019-07-26"}
    deal.propertyChange      | "objectId":5,"propertyName":"dealname","propertyValue":"Acme"                           | deal.updated deal/5 {"set":{"name":"Acme"}}
    deal.propertyChange      | "objectId":5,"propertyName":"hubspot_owner_id","propertyValue":"77"                     | deal.assigned deal/5 {"owner":"77"}
    deal.propertyChange      | "objectId":5,"propertyName":"tier","propertyValue":"gold"                               | deal.updated deal/5 {"set":{"custom":{"tier":"gold"}}}
    deal.propertyChange      | "objectId":5,"propertyName":"tier","propertyValue":""                                   | deal.updated deal/5 {"set":{"custom":{"tier":null}}}
    deal.propertyChange      | "objectId":5,"propertyName":"pipeline","propertyValue":"9"                              | com.hubspot.deal.propertyChange deal/5
    company.propertyChange   | "objectId":5,"propertyName":"phone","propertyValue":"1"                                 | account.updated account/5 {"set":{"custom":{"phone":"1"}}}
    deal.deletion            | "objectId":5                                                                            | deal.deleted deal/5
    deal.restore             | "objectId":5                                                                            | deal.restored deal/5
    deal.merge               | "objectId":5,"primaryObjectId":5,"mergedObjectIds":[6,7]                                | deal.merged deal/6 {"into":"5"}; deal.merged deal/7 {"into":"5"}
    contact.merge            | "objectId":5,"primaryObjectId":5,"mergedObjectIds":[6],"newObjectId":9                  | contact.merged contact/5 {"into":"9"}; contact.merged contact/6 {"into":"9"}
    contact.creation         | "objectId":123,"changeFlag":"NEW"                                                       | contact.updated contact/123
    contact.propertyChange   | "objectId":123,"propertyName":"email","propertyValue":"a@example.com"                   | contact.updated contact/123 {"set":{"emails":["a@example.com"]}}
    contact.privacyDeletion  | "objectId":123                                                                          | person.erased contact/123
    company.creation         | "objectId":8                                                                            | account.updated account/8
    object.creation          | "objectId":8,"objectTypeId":"0-2"                                                       | account.updated account/8
    company.propertyChange   | "objectId":8,"propertyName":"name","propertyValue":"Acme"                               | account.updated account/8 {"set":{"name":"Acme"}}
    deal.associationChange   | "associationType":"DEAL_TO_COMPANY","fromObjectId":5,"toObjectId":8,"associationRemoved":false | deal.updated deal/5 {"set":{"account":"8"}}
    object.associationChange | "fromObjectTypeId":"0-3","toObjectTypeId":"0-2","fromObjectId":5,"toObjectId":8,"associationRemoved":false,"isPrimaryAssociation":true | deal.updated deal/5 {"set":{"account":"8"}}
    deal.associationChange   | "associationType":"DEAL_TO_COMPANY","fromObjectId":5,"toObjectId":8,"associationRemoved":true  | com.hubspot.deal.associationChange deal/5
    ticket.creation          | "objectId":4                                                                            | ticket.opened ticket/4 {"kind":"support"}
    line_item.creation       | "objectId":4                                                                            | com.hubspot.line_item.creation hubspot/line_item/4
    object.creation          | "objectId":4,"objectTypeId":"2-9"                                                       | com.hubspot.2-9.creation hubspot/2-9/4
    conversation.newMessage  | "objectId":4,"messageId":"m"                                                            | com.hubspot.conversation.newMessage hubspot/conversation/4
    a b/c                    | "x":1                                                                                   | com.hubspot.a_b_c.unknown hubspot/unknown
    deal.creation            | "objectId":null                                                                         | com.hubspot.deal.creation hubspot/unknown; not_mapped
  )",
      [&](const Row& row) { return short_form(dry(hook, hubspot(row["type"], row["fields"]))); });
}

TEST(HubspotTest, NothingIsLostAndTheirTimeStands) {
  const auto hook = hook_of_kind("hubspot", "settings: { currency: EUR, prefix: hs- }\n");
  EXPECT_EQ(
      lines(dry(hook, hubspot("deal.propertyChange",
                              R"("objectId":5,"propertyName":"amount","propertyValue":"7",)"
                              R"("changeSource":"CRM_UI","sourceId":"userId:9")"))),
      "2019-07-26T04:00:00Z deal.amount_changed deal/hs-5 {\"amount\":{\"currency\":\"EUR\","
      "\"minor\":700},\"payload\":{\"appId\":3,\"attemptNumber\":0,\"changeSource\":\"CRM_UI\","
      "\"eventId\":1,\"objectId\":5,\"occurredAt\":1564113600000,\"portalId\":62515,"
      "\"propertyName\":"
      "\"amount\",\"sourceId\":\"userId:9\",\"subscriptionId\":2,\"subscriptionType\":"
      "\"deal.propertyChange\"}}\n");
  const auto no_currency = hook_of_kind("hubspot");
  EXPECT_EQ(lines(dry(no_currency,
                      hubspot("deal.propertyChange", R"("objectId":5,"propertyName":"amount",)"
                                                     R"("propertyValue":"7")")))
                .substr(0, 62),
            "2019-07-26T04:00:00Z com.hubspot.deal.propertyChange deal/5 {\"");
  // What is no notice at all is kept too.
  EXPECT_EQ(lines(dry(no_currency, "[7]")),
            "undated com.hubspot.unreadable hubspot/unknown {\"value\":7}\n");
}

// eventId is not unique, an attempt is not another fact, and the order in a body is none.
TEST(HubspotTest, IdsAndOrder) {
  const auto hook = hook_of_kind("hubspot");
  const auto id = [&](const std::string& body) { return dry(hook, body).value().events[0].id; };
  const auto first = hubspot("deal.propertyChange",
                             R"("objectId":5,"propertyName":"dealstage","propertyValue":"a")");
  auto again = first;
  again.replace(again.find("\"attemptNumber\":0"), 17, "\"attemptNumber\":3");
  again.replace(again.find("\"subscriptionId\":2"), 18, "\"subscriptionId\":9");
  EXPECT_EQ(id(first), id(again));
  EXPECT_TRUE(id(first).starts_with("62515:deal.propertyChange:5:1564113600000:"));
  const auto other = hubspot("deal.propertyChange",
                             R"("objectId":5,"propertyName":"dealstage","propertyValue":"b")");
  EXPECT_NE(id(first), id(other));
  const auto both =
      dry(hook, R"([{"subscriptionType":"deal.deletion","objectId":5,"occurredAt":2000000000000},)"
                R"({"subscriptionType":"deal.creation","objectId":5,"occurredAt":1000000000000}])");
  EXPECT_EQ(short_form(both), "deal.opened deal/5 {\"pipeline\":\"default\"}; deal.deleted deal/5");
  const auto at_once = dry(
      hook, R"([{"subscriptionType":"deal.propertyChange","objectId":5,"occurredAt":1000000000000,)"
            R"("propertyName":"dealstage","propertyValue":"b"},)"
            R"({"subscriptionType":"deal.creation","objectId":5,"occurredAt":1000000000000}])");
  EXPECT_EQ(
      short_form(at_once),
      "deal.opened deal/5 {\"pipeline\":\"default\"}; deal.stage_changed deal/5 {\"to\":\"b\"}");
  // Two events of one notice.
  const auto merged =
      dry(hook, hubspot("deal.merge", R"("primaryObjectId":5,"mergedObjectIds":[6,7])"));
  ASSERT_EQ(merged.value().events.size(), 2U);
  EXPECT_EQ(merged.value().events[1].id, merged.value().events[0].id + ":2");
}

TEST(HubspotTest, ABatchHoldsAHundred) {
  const auto hook = hook_of_kind("hubspot");
  const auto batch = [](int count) {
    std::string out = "[";
    for (int i = 0; i < count; ++i)
      out += (i == 0 ? "" : ",") +
             std::string{"{\"subscriptionType\":\"deal.creation\",\"objectId\":"} +
             std::to_string(i) + "}";
    return out + "]";
  };
  const auto hundred = dry(hook, batch(100));
  ASSERT_TRUE(hundred);
  std::set<std::string> ids;
  for (const auto& event : hundred.value().events) ids.insert(event.id);
  EXPECT_EQ(ids.size(), 100U);
  EXPECT_EQ(short_form(dry(hook, batch(101))), "400 batch_too_large");
  for (const std::string bad : {"", "[", "[{}", "nonsense", "[{\"a\":1,\"a\":2}]", "[\"\xff\"]"})
    EXPECT_EQ(short_form(dry(hook, bad)), "400 bad_payload") << bad;
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "[";
  EXPECT_EQ(short_form(dry(hook, deep)), "400 bad_payload");
  EXPECT_EQ(short_form(dry(hook, "[]")), "");  // a good one that says nothing
}

std::string pipedrive(const std::string& action, const std::string& entity, const std::string& data,
                      const std::string& previous) {
  return R"({"meta":{"action":")" + action + R"(","entity":")" + entity +
         R"(","entity_id":"178","company_id":"1","correlation_id":"c","id":"n",)"
         R"("timestamp":"2026-05-28T18:16:56.057Z","user_id":"20","version":"2.0","attempt":1},)"
         R"("data":)" +
         data + R"(,"previous":)" + previous + "}";
}

TEST(PipedriveTest, NoticesToEvents) {
  const auto hook = hook_of_kind(
      "pipedrive", "verify: { user: p }\ntables: { stages: { 13: demo }, owners: { 20: ana } }\n");
  expect_table(R"(
    action | entity | data                                                                   | previous                          | then
    create | deal   | {"id":178,"pipeline_id":3,"stage_id":13,"status":"open","value":112.5,"currency":"BRL","title":"T","org_id":130,"owner_id":20,"person_id":179} | null | deal.opened deal/178 {"account":"130","amount":{"currency":"BRL","minor":11250},"contacts":[{"contact":"179"}],"name":"T","owner":"ana","pipeline":"3","stage":"demo"}
    create | deal   | {"pipeline_id":3,"status":"won"}                                       | null                              | deal.opened deal/178 {"pipeline":"3"}; deal.won deal/178
    change | deal   | {"status":"open","stage_id":13,"pipeline_id":3}                        | {"stage_id":12}                   | deal.stage_changed deal/178 {"pipeline":"3","to":"demo"}
    change | deal   | {"status":"won","value":9,"currency":"EUR"}                            | {"status":"open","won_time":null} | deal.won deal/178 {"amount":{"currency":"EUR","minor":900}}
    change | deal   | {"status":"lost","lost_reason":"price"}                                | {"status":"open"}                 | deal.lost deal/178 {"reason":"price"}
    change | deal   | {"status":"open","stage_id":12}                                        | {"status":"lost","stage_id":13}   | deal.reopened deal/178 {"to":"12"}
    change | deal   | {"status":"open","value":0,"currency":"EUR","expected_close_date":"2026-06-01"} | {"value":5,"expected_close_date":null} | deal.amount_changed deal/178 {"amount":{"currency":"EUR","minor":0}}; deal.close_date_moved deal/178 {"to":"2026-06-01"}
    change | deal   | {"status":"open","value":7,"currency":"USD"}                           | {"currency":"EUR","value":5}      | deal.currency_changed deal/178 {"amount":{"currency":"USD","minor":700}}
    change | deal   | {"status":"open","owner_id":21}                                        | {"owner_id":20}                   | deal.assigned deal/178 {"owner":"21"}
    change | deal   | {"status":"open","title":"New"}                                        | {"title":"Old"}                   | deal.updated deal/178 {"set":{"name":"New"}}
    change | deal   | {"status":"open","label_ids":[1]}                                      | {"label_ids":[]}                  | com.pipedrive.deal.change deal/178
    delete | deal   | null                                                                   | {"id":178,"title":"T"}            | deal.deleted deal/178
    change | person | {"name":"Ana","emails":[{"value":"a@example.com","primary":true}],"phones":[{"value":"1"},{"value":""}],"org_id":130} | {"name":"An"} | contact.updated contact/178 {"set":{"account":"130","emails":["a@example.com"],"name":"Ana","phones":["1"]}}
    create | organization | {"name":"Acme"}                                                  | null                              | account.updated account/178 {"set":{"name":"Acme"}}
    create | lead   | {"source_name":"web","value":{"amount":123,"currency":"BRL"},"person_id":12} | null                        | lead.captured lead/178 {"amount":{"currency":"BRL","minor":12300},"contact":"12","source":"web"}
    create | activity | {"type":"call","subject":"Ring","due_date":"2026-06-01","due_time":"10:30","deal_id":5} | null           | task.created task/178 {"about":"deal/5","due":"2026-06-01T10:30:00.000Z","kind":"call","title":"Ring"}
    create | activity | {"type":"lunch","subject":"Eat","due_date":"2026-06-01"}             | null                              | task.created task/178 {"due":"2026-06-01T00:00:00.000Z","kind":"todo","title":"Eat"}
    change | activity | {"done":true}                                                        | {"done":false}                    | task.completed task/178
    create | note   | {"content":"x"}                                                        | null                              | com.pipedrive.note.create pipedrive/note/178
  )",
               [&](const Row& row) {
                 return short_form(dry(
                     hook, pipedrive(row["action"], row["entity"], row["data"], row["previous"])));
               });
}

// Version 1 says the whole object of before, its times in seconds and its objects inside others.
TEST(PipedriveTest, VersionOne) {
  const auto hook = hook_of_kind("pipedrive", "verify: { user: p }\n");
  const std::string body =
      R"({"v":1,"event":"updated.deal","meta":{"v":1,"action":"updated","object":"deal","id":178,)"
      R"("company_id":1,"user_id":20,"timestamp":1780000000,"timestamp_micro":1780000000123456,)"
      R"("webhook_id":"9"},)"
      R"("current":{"id":178,"status":"open","stage_id":13,"pipeline_id":3,"title":"T",)"
      R"("value":5,"currency":"EUR",)"
      R"("user_id":{"id":20,"name":"A"}},)"
      R"("previous":{"id":178,"status":"open","stage_id":12,"pipeline_id":3,"title":"T",)"
      R"("value":4,"currency":"EUR",)"
      R"("user_id":{"id":20,"name":"A"}}})";
  const auto read = dry(hook, body);
  EXPECT_EQ(short_form(read),
            "deal.stage_changed deal/178 {\"pipeline\":\"3\",\"to\":\"13\"}; "
            "deal.amount_changed deal/178 {\"amount\":{\"currency\":\"EUR\",\"minor\":500}}");
  const auto& event = read.value().events[0];
  EXPECT_EQ(event.id, "1:deal:178:change:1780000000123456");
  EXPECT_EQ(event.time, Instant{1'780'000'000'123});
  EXPECT_EQ(event.actor, "user/20");
}

// A second subscription, or another attempt, says the same fact again.
TEST(PipedriveTest, IdsDoNotHangOnTheSubscription) {
  const auto hook = hook_of_kind("pipedrive", "verify: { user: p }\n");
  auto body = pipedrive("change", "deal", R"({"status":"open","title":"N"})", R"({"title":"O"})");
  const auto first = dry(hook, body).value().events[0];
  body.replace(body.find("\"id\":\"n\""), 8, "\"id\":\"m\"");
  body.replace(body.find("\"attempt\":1"), 11, "\"attempt\":2");
  EXPECT_EQ(first.id, dry(hook, body).value().events[0].id);
  EXPECT_EQ(first.id, "1:deal:178:change:2026-05-28T18:16:56.057Z:c");
}

std::string cdc(const std::string& change, const std::string& entity, const std::string& ids,
                const std::string& fields) {
  return R"({"ChangeEventHeader":{"entityName":")" + entity + R"(","recordIds":)" + ids +
         R"(,"changeType":")" + change +
         R"(","transactionKey":"tk","sequenceNumber":1,"commitTimestamp":1652977933000,)"
         R"("commitNumber":1652977933433528301,"commitUser":"005U"})" +
         fields + "}";
}

TEST(SalesforceTest, ChangesToEvents) {
  const auto hook = hook_of_kind("salesforce_cdc",
                                 "verify: { scheme: header, header: X-Token }\nsettings: { "
                                 "currency: EUR, pipeline: sales }\n");
  expect_table(
      R"(
    change     | entity      | ids           | fields                                              | then
    CREATE     | Opportunity | ["006A"]      | ,"Name":"N","StageName":"Prospecting","Amount":40000.0,"CloseDate":1653955200000,"AccountId":"001A","OwnerId":"005A","LeadSource":null | deal.opened deal/006A {"account":"001A","amount":{"currency":"EUR","minor":4000000},"close_date":"2022-05-31","name":"N","owner":"005A","pipeline":"sales","stage":"Prospecting"}
    UPDATE     | Opportunity | ["006A","006B"] | ,"StageName":"Closed Won","Amount":null           | deal.stage_changed deal/006A {"to":"Closed Won"}; deal.stage_changed deal/006B {"to":"Closed Won"}
    UPDATE     | Opportunity | ["006A"]      | ,"Amount":12.34,"CurrencyIsoCode":"USD","OwnerId":"005B" | deal.amount_changed deal/006A {"amount":{"currency":"USD","minor":1234}}; deal.assigned deal/006A {"owner":"005B"}
    UPDATE     | Opportunity | ["006A"]      | ,"Amount":12.345                                    | com.salesforce.Opportunity.update deal/006A; not_mapped
    UPDATE     | Opportunity | ["006A"]      | ,"CloseDate":"2026-06-01"                           | deal.close_date_moved deal/006A {"to":"2026-06-01"}
    DELETE     | Opportunity | ["006A"]      |                                                     | deal.deleted deal/006A
    UNDELETE   | Opportunity | ["006A"]      |                                                     | deal.restored deal/006A
    CREATE     | Lead        | ["00QA"]      | ,"Name":{"FirstName":"Ann","LastName":"Lee"},"Company":"Acme","Email":"a@example.com","LeadSource":"Web" | lead.captured lead/00QA {"company":"Acme","person":{"emails":["a@example.com"],"name":"Ann Lee"},"source":"Web"}
    UPDATE     | Account     | ["001A"]      | ,"Name":"Acme","BillingAddress":{"Country":"FR"}    | account.updated account/001A {"set":{"country":"FR","name":"Acme"}}
    UPDATE     | Case        | ["500A"]      | ,"IsClosed":true                                    | ticket.closed ticket/500A
    UPDATE     | Thing__c    | ["a00A"]      | ,"X__c":1                                           | com.salesforce.Thing__c.update salesforce/Thing__c/a00A
    GAP_UPDATE | Opportunity | ["006A"]      |                                                     | com.salesforce.read_again deal/006A
    GAP_OVERFLOW | Lead      | []            |                                                     | com.salesforce.read_again salesforce/Lead
    UPDATE     | Account     | ["001*"]      |                                                     | com.salesforce.read_again salesforce/Account
    NOVEL      | Account     | ["001A"]      |                                                     | com.salesforce.read_again account/001A
  )",
      [&](const Row& row) {
        return short_form(dry(hook, cdc(row["change"], row["entity"], row["ids"], row["fields"])));
      });
}

// One body about many records is kept with each of them: that has an end.
TEST(SalesforceTest, ManyRecordsOfOneLargeChange) {
  const auto hook = hook_of_kind("salesforce_cdc", "verify: { scheme: header, header: X-Token }\n");
  const auto ids = [](int count) {
    std::string out = "[";
    for (int i = 0; i < count; ++i) out += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\"";
    return out + "]";
  };
  const auto events = [&](int count, std::size_t bytes) {
    const auto read = dry(
        hook, cdc("UPDATE", "Thing__c", ids(count), ",\"T\":\"" + std::string(bytes, 'x') + "\""));
    return read ? std::to_string(read.value().events.size()) : read.error().code;
  };
  EXPECT_EQ(events(1'000, 100), "1000");
  EXPECT_EQ(events(1'001, 100), "batch_too_large");
  EXPECT_EQ(events(1'000, 20'000), "batch_too_large");
}

// Wrapped as the Streaming API and the Pub/Sub API hand it out; numbers beyond 2^53 stay exact.
TEST(SalesforceTest, WrappingsAndExactNumbers) {
  const auto hook = hook_of_kind("salesforce_cdc", "verify: { scheme: header, header: X-Token }\n");
  const auto bare = cdc("GAP_UPDATE", "Opportunity", R"(["006A"])", "");
  const auto plain = lines(dry(hook, bare), true);
  EXPECT_EQ(plain,
            "tk:1:006A:GAP_UPDATE 2022-05-19T16:32:13Z com.salesforce.read_again deal/006A "
            "{\"ChangeEventHeader\":{\"changeType\":\"GAP_UPDATE\",\"commitNumber\":"
            "1652977933433528301,\"commitTimestamp\":1652977933000,\"commitUser\":\"005U\","
            "\"entityName\":\"Opportunity\",\"recordIds\":[\"006A\"],\"sequenceNumber\":1,"
            "\"transactionKey\":\"tk\"}}\n");
  const auto cometd = R"({"channel":"/data/X","data":{"schema":"s","payload":)" + bare +
                      R"(,"event":{"replayId":7}}})";
  auto wrapped = plain;
  wrapped.insert(wrapped.rfind('}'),
                 R"(,"around":{"channel":"/data/X","event":{"replayId":7},"schema":"s"})");
  EXPECT_EQ(lines(dry(hook, "[" + cometd + "]"), true), wrapped);
  EXPECT_EQ(short_form(dry(hook, "{\"payload\":" + bare + "}")),
            "com.salesforce.read_again deal/006A");
  EXPECT_EQ(short_form(dry(hook, "{\"payload\":{}}")),
            "com.salesforce.unreadable salesforce/unknown");
}

std::string soap(const std::string& inside) {
  return R"(<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" )"
         R"(xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>)"
         R"(<notifications xmlns="http://soap.sforce.com/2005/09/outbound">)"
         R"(<OrganizationId>00DA</OrganizationId><ActionId>04kA</ActionId><SessionId>s!ecret</SessionId>)" +
         inside + "</notifications></e:Body></e:Envelope>";
}
std::string notification(const std::string& id, const std::string& type,
                         const std::string& fields) {
  return "<Notification><Id>" + id + "</Id><sObject xsi:type=\"sf:" + type +
         "\" xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">" + fields +
         "</sObject></Notification>";
}

TEST(SalesforceTest, OutboundMessages) {
  const auto hook = hook_of_kind("salesforce_outbound", "settings: { currency: EUR }\n");
  const auto read = dry(
      hook,
      soap(
          notification(
              "04l1", "Opportunity",
              "<sf:Id>006A</sf:Id><sf:Amount>12.5</sf:Amount><sf:StageName>A &amp; B</sf:StageName>"
              "<sf:NextStep "
              "xsi:nil=\"true\"/><sf:CreatedDate>2026-03-02T09:00:00.000Z</sf:CreatedDate>"
              "<sf:LastModifiedDate>2026-03-02T09:00:00.000Z</sf:LastModifiedDate>") +
          notification(
              "04l2", "Opportunity",
              "<sf:Id>006B</sf:Id><sf:StageName>Won</sf:StageName><sf:OwnerId>005A</sf:OwnerId>")));
  EXPECT_EQ(
      lines(read, true),
      "04l1 2026-03-02T09:00:00Z deal.opened deal/006A {\"amount\":{\"currency\":\"EUR\","
      "\"minor\":1250},\"payload\":{\"ActionId\":\"04kA\",\"Id\":\"04l1\",\"OrganizationId\":"
      "\"00DA\",\"sObject\":{\"CreatedDate\":\"2026-03-02T09:00:00.000Z\",\"Id\":\"006A\","
      "\"LastModifiedDate\":\"2026-03-02T09:00:00.000Z\",\"NextStep\":null,\"type\":"
      "\"Opportunity\"}},\"pipeline\":\"default\",\"stage\":\"A & B\"}\n"
      "04l2 undated deal.stage_changed deal/006B {\"payload\":{\"ActionId\":\"04kA\",\"Id\":"
      "\"04l2\",\"OrganizationId\":\"00DA\",\"sObject\":{\"Id\":\"006B\",\"OwnerId\":\"005A\","
      "\"type\":\"Opportunity\"}},\"to\":\"Won\"}\n"
      "left out: secret a session of Salesforce is never kept; clear \"Send Session ID\"\n");
  EXPECT_EQ(read.value().when_durable.status, 200);
  EXPECT_TRUE(read.value().when_durable.media_type.starts_with("text/xml"));
  std::string many;
  for (int i = 0; i < 101; ++i) many += notification(std::to_string(i), "Lead", "<sf:Id>1</sf:Id>");
  EXPECT_EQ(short_form(dry(hook, soap(many))), "400 batch_too_large");
  EXPECT_EQ(short_form(dry(hook, soap(""))), "400 bad_payload");
  const auto ours = hook_of_kind("salesforce_outbound", "settings: { organization: 00DB }\n");
  EXPECT_EQ(short_form(dry(ours, soap(notification("1", "Lead", "")))), "401 wrong_sender");
}

// The samples that this repository does not ship.
struct Sample {
  const char* connector;
  const char* file;
  const char* then;
};
class SampleTest : public testing::TestWithParam<Sample> {};
TEST_P(SampleTest, ToEvents) {
  const auto& sample = GetParam();
  const auto body = conformance(std::string{"webhook-payloads/"} + sample.file);
  if (body.empty()) GTEST_SKIP() << "../shared/conformance is not here";
  const std::string connector = sample.connector;
  const auto hook = hook_of_kind(
      connector, std::string{"settings: { currency: USD }\n"} +
                     (connector == "pipedrive"        ? "verify: { user: p }\n"
                      : connector == "salesforce_cdc" ? "verify: { scheme: header, header: X-T }\n"
                                                      : ""));
  EXPECT_EQ(short_form(dry(hook, body)), sample.then);
}
INSTANTIATE_TEST_SUITE_P(
    Conformance, SampleTest,
    testing::Values(
        Sample{"hubspot", "hubspot/contact_creation_raw.json", "contact.updated contact/123"},
        Sample{"hubspot", "hubspot/deal_propertyChange_raw.json",
               "deal.stage_changed deal/697680835 {\"to\":\"closedwon\"}"},
        Sample{
            "pipedrive", "pipedrive/create_deal_v2_redacted.json",
            "deal.opened deal/178 "
            "{\"account\":\"130\",\"amount\":{\"currency\":\"BRL\",\"minor\":0},"
            "\"contacts\":[{\"contact\":\"179\"}],\"name\":\"Example deal\",\"owner\":\"20000001\","
            "\"pipeline\":\"3\",\"stage\":\"12\"}"},
        Sample{"pipedrive", "pipedrive/change_deal_stage_v2_redacted.json",
               "deal.stage_changed deal/178 {\"pipeline\":\"3\",\"to\":\"13\"}"},
        Sample{"pipedrive", "pipedrive/change_lead_v2.json",
               "lead.updated lead/123456789-1234-1234-1234-123456789012 {\"set\":{\"amount\":"
               "{\"currency\":\"BRL\",\"minor\":12300},\"contact\":\"12\"}}"},
        Sample{"salesforce_cdc", "salesforce/cdc_opportunity_create_payload.json",
               "deal.opened deal/006SM0000001Tb3YAE {\"account\":\"001SM0000000iibYAA\",\"amount\":"
               "{\"currency\":\"USD\",\"minor\":4000000},\"close_date\":\"2022-05-31\",\"name\":"
               "\"Acme - 400 Widgets\",\"owner\":\"005SM000000146PYAQ\",\"pipeline\":\"default\","
               "\"stage\":\"Prospecting\"}"},
        // The suite that it comes from made up names of objects.
        Sample{"salesforce_outbound", "salesforce/OutboundMessage1.xml",
               "com.salesforce.Lead1.create salesforce/Lead1/0123456789ABCDEEAE; "
               "com.salesforce.Lead2.create salesforce/Lead2/1123456789ABCDEEAE; "
               "com.salesforce.Lead3.create salesforce/Lead3/2123456789ABCDEEAE; secret"},
        Sample{"salesforce_outbound", "salesforce/OutboundMessage2.xml", "400 bad_payload"}),
    [](const auto& row) { return "Row" + std::to_string(row.index); });

// A lead as Salesforce would name it, from the same sample.
TEST(SampleLeadTest, IsCaptured) {
  auto body = conformance("webhook-payloads/salesforce/OutboundMessage1.xml");
  if (body.empty()) GTEST_SKIP() << "../shared/conformance is not here";
  body.replace(body.find("sf:Lead1"), 8, "sf:Lead");
  const auto read = dry(hook_of_kind("salesforce_outbound"), body);
  ASSERT_TRUE(read);
  const auto& lead = read.value().events.at(0);
  EXPECT_EQ(lead.type_name(), "lead.captured");
  EXPECT_EQ(lead.data.text(Field::kCompany), "Microsoft");
  EXPECT_EQ(to_text(*lead.time), "2015-08-14T18:27:02.000Z");
  EXPECT_EQ(codec::to_cloudevent(lead).find("BSGSRAzG9lPxyKRPjJ3"), std::string::npos);
}

TEST(SampleAckTest, IsWhatSalesforceTakes) {
  auto wanted = conformance("webhook-payloads/salesforce/expected_ack_template.xml");
  if (wanted.empty()) GTEST_SKIP() << "../shared/conformance is not here";
  const auto plain = [](std::string text) {
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    std::erase(text, '\r');
    while (text.ends_with('\n')) text.pop_back();
    return text;
  };
  const auto read = dry(hook_of_kind("salesforce_outbound"), soap(notification("1", "Lead", "")));
  ASSERT_TRUE(read);
  EXPECT_EQ(plain(read.value().when_durable.body), plain(wanted));
}

}  // namespace
}  // namespace dealwright::hooks
