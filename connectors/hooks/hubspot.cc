// HubSpot, webhooks API v3. A body is a list of at most 100 notices:
//
//   {"subscriptionType":"deal.propertyChange","objectId":1,"propertyName":"dealstage",
//    "propertyValue":"closedwon","occurredAt":1556105815815,"portalId":2,"eventId":3, ...}
//
// The generic form says object.propertyChange and "objectTypeId":"0-3" instead. Neither the order
// in the body nor eventId can be relied on: occurredAt orders, and the id is made of what was said.
#include <algorithm>

#include "connectors/hooks/config.h"
#include "connectors/hooks/connector.h"

namespace dealwright::hooks {
namespace {

struct ObjectType {
  std::string_view number;
  std::string_view name;  // HubSpot's
  Kind kind;              // ours; kForeign: we have none
};
constexpr ObjectType kObjects[] = {
    {"0-1", "contact", Kind::kContact}, {"0-2", "company", Kind::kAccount},
    {"0-3", "deal", Kind::kDeal},       {"0-5", "ticket", Kind::kTicket},
    {"0-7", "product", Kind::kForeign}, {"0-8", "line_item", Kind::kForeign},
    {"0-136", "lead", Kind::kLead},     {"", "conversation", Kind::kForeign}};

// By "deal", "0-3" or a custom type such as "2-1234".
std::pair<std::string, Kind> object_of(std::string_view text) {
  for (const auto& object : kObjects) {
    if (!text.empty() && (text == object.name || text == object.number))
      return {std::string{object.name}, object.kind};
  }
  return {sound_word(text), Kind::kForeign};
}

// The two ends of an association: from objectTypeIds, else from "DEAL_TO_COMPANY".
std::pair<std::string, std::string> ends_of(const Map& body) {
  auto from = member_text(body, "fromObjectTypeId");
  auto to = member_text(body, "toObjectTypeId");
  const auto type = member_text(body, "associationType");
  const auto middle = type.find("_TO_");
  if (from.empty() && to.empty() && middle != std::string::npos) {
    from = type.substr(0, middle);
    to = type.substr(middle + 4);
    for (auto* text : {&from, &to}) {
      for (auto& c : *text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
  }
  return {object_of(from).first, object_of(to).first};
}

// What tells one notice from another: all but what changes from attempt to attempt, or from one
// subscription to the next.
std::string id_of(const Map& body) {
  Map telling;
  for (const auto& [name, value] : body) {
    if (name != "attemptNumber" && name != "subscriptionId" && name != "appId")
      telling.emplace_back(name, value);
  }
  auto object = member_text(body, "objectId");
  if (object.empty()) object = member_text(body, "fromObjectId");
  return member_text(body, "portalId") + ":" + member_text(body, "subscriptionType") + ":" +
         object + ":" + member_text(body, "occurredAt") + ":" +
         short_hash(to_json(Value{std::move(telling)}));
}

std::string actor_of(const Map& body) {
  const auto source = member_text(body, "sourceId");
  constexpr std::string_view kUser = "userId:";
  return source.starts_with(kUser) ? "user/" + source.substr(kUser.size()) : "system/hubspot";
}

void add(Map& facts, const char* name, std::string text) {
  if (!text.empty()) facts.emplace_back(name, Value{std::move(text)});
}

Notice notice_of(Value item) {
  Notice out;
  out.body = std::move(item);
  const auto* body = out.body.as_map();
  if (body == nullptr) {
    out.id = "unreadable:" + short_hash(to_json(out.body));
    out.type = "com.hubspot.unreadable";
    out.subject = parse_record_key("hubspot/unknown");
    return out;
  }
  const auto said = member_text(*body, "subscriptionType");
  const auto dot = std::min(said.find('.'), said.size());
  auto [object, kind] = object_of(std::string_view{said}.substr(0, dot));
  const auto action = sound_word(std::string_view{said}.substr(std::min(dot + 1, said.size())));
  if (object == "object" || object == "unknown") {
    const auto type = member_text(*body, "objectTypeId");
    if (!type.empty()) std::tie(object, kind) = object_of(type);
  }
  auto id = member_text(*body, "objectId");
  if (action == "associationChange") {
    const auto [from, to] = ends_of(*body);
    add(out.facts, "from", from);
    add(out.facts, "to", to);
    std::tie(object, kind) = object_of(from);
    if (id.empty()) id = member_text(*body, "fromObjectId");
  }
  out.id = id_of(*body);
  out.type = "com.hubspot." + object + "." + action;
  out.subject = id.empty()               ? parse_record_key("hubspot/unknown")
                : kind == Kind::kForeign ? parse_record_key("hubspot/" + object + "/" + id)
                                         : RecordKey{kind, id};
  if (const auto* at = find(*body, "occurredAt")) out.time = instant_of(*at);
  out.actor = actor_of(*body);
  add(out.facts, "object", object);
  add(out.facts, "action", action);
  add(out.facts, "id", id);
  add(out.facts, "kind", std::string{kind_name(kind)});
  // A merge may make a record of its own, into which both go.
  const auto primary = member_text(*body, "primaryObjectId");
  const auto made = member_text(*body, "newObjectId");
  const auto winner = made.empty() ? primary : made;
  add(out.facts, "winner", winner);
  List losers;
  if (!primary.empty() && winner != primary) losers.emplace_back(primary);
  const auto* merged = find(*body, "mergedObjectIds");
  for (const auto& loser :
       merged != nullptr && merged->as_list() != nullptr ? *merged->as_list() : List{}) {
    auto text = scalar_text(loser);
    if (!text.empty() && text != winner) losers.emplace_back(std::move(text));
  }
  if (!losers.empty()) out.facts.emplace_back("losers", Value{std::move(losers)});
  out.facts = *Value{std::move(out.facts)}.as_map();
  return out;
}

Read<Batch> split(const HookRequest& request, const HookConfig&) {
  auto items = json_items(request.body);
  if (!items) return items.error();
  Batch out;
  for (auto& item : items.value()) out.notices.push_back(notice_of(std::move(item)));
  // What is set while a record is made has the moment of the making.
  const auto place = [](const Notice& notice) {
    return std::pair{notice.time.value_or(kAfterAll), !notice.type.ends_with(".creation")};
  };
  std::stable_sort(out.notices.begin(), out.notices.end(),
                   [&](const Notice& a, const Notice& b) { return place(a) < place(b); });
  return out;
}

constexpr std::string_view kDefaults = R"yaml(
- when: { "@object": deal, "@action": creation }
  type: deal.opened
  subject: "deal/{$prefix}{@id}"
  data: { pipeline: "{$pipeline}" }
- when: { "@object": deal, "@action": propertyChange, propertyName: dealstage, propertyValue: { filled: true } }
  type: deal.stage_changed
  subject: "deal/{$prefix}{@id}"
  data:
    to: { from: "{propertyValue}", table: stages }
    pipeline: { from: "{propertyValue}", table: stage_pipelines, else: "" }
- when: { "@object": deal, "@action": propertyChange, propertyName: amount, propertyValue: { filled: true } }
  type: deal.amount_changed
  subject: "deal/{$prefix}{@id}"
  data: { amount: { from: "{propertyValue}", currency: "{$currency}" } }
- when: { "@object": deal, "@action": propertyChange, propertyName: closedate, propertyValue: { filled: true } }
  type: deal.close_date_moved
  subject: "deal/{$prefix}{@id}"
  data: { to: "{propertyValue}" }
- when: { "@object": [deal, contact, company, ticket, lead], "@action": propertyChange, propertyName: hubspot_owner_id, propertyValue: { filled: true } }
  type: "{@kind}.assigned"
  subject: "{@kind}/{$prefix}{@id}"
  data: { owner: { from: "{propertyValue}", table: owners } }
- when: { "@object": deal, "@action": propertyChange, propertyName: dealname, propertyValue: { filled: true } }
  type: deal.updated
  subject: "deal/{$prefix}{@id}"
  data: { set: { name: "{propertyValue}" } }
- when: { "@object": contact, "@action": creation }
  type: contact.updated
  subject: "contact/{$prefix}{@id}"
- when: { "@object": company, "@action": creation }
  type: account.updated
  subject: "account/{$prefix}{@id}"
- when: { "@object": ticket, "@action": creation }
  type: ticket.opened
  subject: "ticket/{$prefix}{@id}"
  data: { kind: support }
- when: { "@object": lead, "@action": creation }
  type: lead.captured
  subject: "lead/{$prefix}{@id}"
- when: { "@object": contact, "@action": propertyChange, propertyName: email, propertyValue: { filled: true } }
  type: contact.updated
  subject: "contact/{$prefix}{@id}"
  data: { set: { emails: ["{propertyValue}"] } }
- when: { "@object": contact, "@action": propertyChange, propertyName: phone, propertyValue: { filled: true } }
  type: contact.updated
  subject: "contact/{$prefix}{@id}"
  data: { set: { phones: ["{propertyValue}"] } }
- when: { "@object": contact, "@action": propertyChange, propertyName: associatedcompanyid, propertyValue: { filled: true } }
  type: contact.updated
  subject: "contact/{$prefix}{@id}"
  data: { set: { account: "{$prefix}{propertyValue}" } }
- when: { "@object": company, "@action": propertyChange, propertyName: [name, country], propertyValue: { filled: true } }
  type: account.updated
  subject: "account/{$prefix}{@id}"
  data: { set: { "{propertyName}": "{propertyValue}" } }
- when: { "@object": deal, "@action": propertyChange, propertyName: { not: [dealstage, pipeline, amount, closedate, hubspot_owner_id, dealname] } }
  type: "{@kind}.updated"
  subject: "{@kind}/{$prefix}{@id}"
  data: { set: { custom: { "{propertyName}": { from: "{propertyValue}", empty: "null" } } } }
- when: { "@object": contact, "@action": propertyChange, propertyName: { not: [hubspot_owner_id, email, phone, associatedcompanyid] } }
  type: "{@kind}.updated"
  subject: "{@kind}/{$prefix}{@id}"
  data: { set: { custom: { "{propertyName}": { from: "{propertyValue}", empty: "null" } } } }
- when: { "@object": company, "@action": propertyChange, propertyName: { not: [hubspot_owner_id, name, country] } }
  type: "{@kind}.updated"
  subject: "{@kind}/{$prefix}{@id}"
  data: { set: { custom: { "{propertyName}": { from: "{propertyValue}", empty: "null" } } } }
- when: { "@object": [ticket, lead], "@action": propertyChange, propertyName: { not: [hubspot_owner_id] } }
  type: "{@kind}.updated"
  subject: "{@kind}/{$prefix}{@id}"
  data: { set: { custom: { "{propertyName}": { from: "{propertyValue}", empty: "null" } } } }
- when: { "@action": associationChange, "@from": deal, "@to": company, associationRemoved: false, isPrimaryAssociation: { not: false } }
  type: deal.updated
  subject: "deal/{$prefix}{fromObjectId}"
  data: { set: { account: "{$prefix}{toObjectId}" } }
- when: { "@action": associationChange, "@from": contact, "@to": company, associationRemoved: false, isPrimaryAssociation: { not: false } }
  type: contact.updated
  subject: "contact/{$prefix}{fromObjectId}"
  data: { set: { account: "{$prefix}{toObjectId}" } }
- when: { "@object": [deal, contact, company, ticket, lead], "@action": merge }
  each: "@losers"
  type: "{@kind}.merged"
  subject: "{@kind}/{$prefix}{@each}"
  data: { into: "{$prefix}{@winner}" }
- when: { "@object": [deal, contact, company, ticket, lead], "@action": deletion }
  type: "{@kind}.deleted"
  subject: "{@kind}/{$prefix}{@id}"
- when: { "@object": [deal, contact, company, ticket, lead], "@action": restore }
  type: "{@kind}.restored"
  subject: "{@kind}/{$prefix}{@id}"
- when: { "@object": contact, "@action": privacyDeletion }
  type: person.erased
  subject: "contact/{$prefix}{@id}"
)yaml";

}  // namespace

// Declared in connector.h. HubSpot waits 5 s for any 2xx.
const Connector kHubspotConnector{"hubspot", &split, kDefaults, {204, {}, {}}, "hubspot"};

}  // namespace dealwright::hooks
