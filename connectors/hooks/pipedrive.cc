// Pipedrive, webhooks v2 and v1. One notice a request:
//
//   v2 {"meta":{"action":"change","entity":"deal","entity_id":"178","timestamp":"2026-..",..},
//       "data":{..the whole object..},"previous":{..only what changed..}}
//   v1 {"meta":{"action":"updated","object":"deal","id":178,"timestamp":1771234567,..},
//       "current":{..},"previous":{..the whole object before..}}
//
// Nothing is signed: basic authentication is all there is. Mappings see one form: @data, @previous,
// and @changed, the names whose values differ.
#include <algorithm>

#include "connectors/hooks/config.h"
#include "connectors/hooks/connector.h"

namespace dealwright::hooks {
namespace {

struct Entity {
  std::string_view name;  // of v1, in the singular
  std::string_view full;  // as we write it
  Kind kind;
};
constexpr Entity kEntities[] = {{"deal", "deal", Kind::kDeal},
                                {"person", "person", Kind::kContact},
                                {"organization", "organization", Kind::kAccount},
                                {"org", "organization", Kind::kAccount},
                                {"lead", "lead", Kind::kLead},
                                {"activity", "activity", Kind::kTask}};
constexpr std::pair<std::string_view, std::string_view> kActions[] = {
    {"added", "create"},  {"updated", "change"}, {"deleted", "delete"}, {"create", "create"},
    {"change", "change"}, {"delete", "delete"},  {"merged", "merge"}};

const Map& map_at(const Map& body, std::string_view name) {
  static const Map kNone;
  const auto* value = find(body, name);
  const auto* map = value == nullptr ? nullptr : value->as_map();
  return map == nullptr ? kNone : *map;
}

// Names at the top whose values are not those of before: of what is new, all. Version 2 says of
// before only what changed.
List changed(const Map& data, const Map& previous, bool is_new) {
  List out;
  for (const auto& [name, before] : is_new ? data : previous) {
    const auto* now = find(data, name);
    if (is_new || now == nullptr || !(*now == before)) out.emplace_back(name);
  }
  return out;
}

std::string number_or(const Map& meta, std::string_view name, std::string_view other) {
  auto text = member_text(meta, name);
  return text.empty() ? member_text(meta, other) : text;
}

std::optional<Instant> time_of(const Map& meta) {
  if (const auto* micro = find(meta, "timestamp_micro");
      micro != nullptr && micro->as_int() != nullptr)
    return instant_of(Value{*micro->as_int() / 1000});
  const auto* at = find(meta, "timestamp");
  return at == nullptr ? std::nullopt : instant_of(*at);
}

// Not meta.id: each subscription and each attempt may have its own.
std::string id_of(const Map& meta, const std::string& what) {
  const auto moment = number_or(meta, "timestamp_micro", "timestamp");
  const auto correlation = member_text(meta, "correlation_id");
  return member_text(meta, "company_id") + ":" + what + ":" + moment +
         (correlation.empty() ? "" : ":" + correlation);
}

Notice notice_of(Value item) {
  Notice out;
  out.body = std::move(item);
  static const Map kNone;
  const auto* whole = out.body.as_map();
  const auto& body = whole == nullptr ? kNone : *whole;
  const auto& meta = map_at(body, "meta");
  const bool first = find(body, "current") != nullptr;  // version 1
  const auto& data = map_at(body, first ? "current" : "data");
  const auto& previous = map_at(body, "previous");

  auto said = number_or(meta, "entity", "object");
  auto entity = sound_word(said);
  auto kind = Kind::kForeign;
  for (const auto& known : kEntities) {
    if (said != known.name) continue;
    entity = known.full;
    kind = known.kind;
  }
  auto action = sound_word(member_text(meta, "action"));
  for (const auto& [theirs, ours] : kActions) {
    if (action == theirs) {
      action = ours;
      break;
    }
  }
  auto id = member_text(meta, "entity_id");
  if (id.empty()) id = member_text(data, "id");
  if (id.empty()) id = member_text(previous, "id");
  if (id.empty() && first) id = member_text(meta, "id");
  const auto what = entity + ":" + id + ":" + action;
  out.id = meta.empty() ? "unreadable:" + short_hash(to_json(out.body)) : id_of(meta, what);
  out.type = "com.pipedrive." + entity + "." + action;
  out.subject = id.empty()               ? parse_record_key("pipedrive/unknown")
                : kind == Kind::kForeign ? parse_record_key("pipedrive/" + entity + "/" + id)
                                         : RecordKey{kind, id};
  out.time = time_of(meta);
  const auto user = member_text(meta, "user_id");
  out.actor = user.empty() ? "system/pipedrive" : "user/" + user;
  out.aliases = {{"data", first ? "current" : "data"}, {"previous", "previous"}};
  out.facts = {{"action", Value{action}},
               {"changed", Value{changed(data, previous, action == "create")}},
               {"entity", Value{entity}},
               {"id", Value{id}},
               {"kind", Value{kind_name(kind)}}};
  return out;
}

Read<Batch> split(const HookRequest& request, const HookConfig&) {
  auto items = json_items(request.body);
  if (!items) return items.error();
  Batch out;
  for (auto& item : items.value()) out.notices.push_back(notice_of(std::move(item)));
  return out;
}

constexpr std::string_view kDefaults = R"yaml(
- when: { "@entity": deal, "@action": create }
  type: deal.opened
  subject: "deal/{$prefix}{@id}"
  data:
    pipeline: { from: "{@data.pipeline_id}", table: pipelines }
    stage: { from: "{@data.stage_id}", table: stages }
    name: "{@data.title}"
    amount: { from: "{@data.value}", currency: ["{@data.currency}", "{$currency}"] }
    close_date: "{@data.expected_close_date}"
    account: { from: ["{$prefix}{@data.org_id}", "{$prefix}{@data.org_id.value}"] }
    owner: { from: ["{@data.owner_id}", "{@data.user_id}", "{@data.user_id.id}"], table: owners }
    contacts: [{ contact: "{$prefix}{@data.person_id}" }]
- when: { "@entity": deal, "@action": [create, change], "@data.status": won, "@changed": { has: status } }
  type: deal.won
  subject: "deal/{$prefix}{@id}"
  data: { amount: { from: "{@data.value}", currency: ["{@data.currency}", "{$currency}"] } }
- when: { "@entity": deal, "@action": [create, change], "@data.status": lost, "@changed": { has: status } }
  type: deal.lost
  subject: "deal/{$prefix}{@id}"
  data: { reason: "{@data.lost_reason}" }
- when: { "@entity": deal, "@action": change, "@data.status": open, "@changed": { has: status } }
  type: deal.reopened
  subject: "deal/{$prefix}{@id}"
  data: { to: { from: "{@data.stage_id}", table: stages } }
- when: { "@entity": deal, "@action": change, "@data.status": open, "@changed": { has: stage_id, lacks: status } }
  type: deal.stage_changed
  subject: "deal/{$prefix}{@id}"
  data:
    to: { from: "{@data.stage_id}", table: stages }
    pipeline: { from: "{@data.pipeline_id}", table: pipelines }
- when: { "@entity": deal, "@action": change, "@changed": { has: currency }, "@data.value": { filled: true } }
  type: deal.currency_changed
  subject: "deal/{$prefix}{@id}"
  data: { amount: { from: "{@data.value}", currency: "{@data.currency}" } }
- when: { "@entity": deal, "@action": change, "@data.status": open, "@changed": { has: value, lacks: currency }, "@data.value": { filled: true } }
  type: deal.amount_changed
  subject: "deal/{$prefix}{@id}"
  data: { amount: { from: "{@data.value}", currency: ["{@data.currency}", "{$currency}"] } }
- when: { "@entity": deal, "@action": change, "@changed": { has: expected_close_date } }
  type: deal.close_date_moved
  subject: "deal/{$prefix}{@id}"
  data: { to: "{@data.expected_close_date}" }
- when: { "@entity": deal, "@action": change, "@changed": { has: [owner_id, user_id] } }
  type: deal.assigned
  subject: "deal/{$prefix}{@id}"
  data: { owner: { from: ["{@data.owner_id}", "{@data.user_id}", "{@data.user_id.id}"], table: owners } }
- when: { "@entity": deal, "@action": change, "@changed": { has: [title, org_id] } }
  type: deal.updated
  subject: "deal/{$prefix}{@id}"
  data: { set: { name: "{@data.title}", account: { from: ["{$prefix}{@data.org_id}", "{$prefix}{@data.org_id.value}"] } } }
- when: { "@entity": person, "@action": [create, change] }
  type: contact.updated
  subject: "contact/{$prefix}{@id}"
  data:
    set:
      name: "{@data.name}"
      emails: { from: ["{@data.emails[*].value}", "{@data.email[*].value}"] }
      phones: { from: ["{@data.phones[*].value}", "{@data.phone[*].value}"] }
      account: { from: ["{$prefix}{@data.org_id}", "{$prefix}{@data.org_id.value}"] }
- when: { "@entity": organization, "@action": [create, change] }
  type: account.updated
  subject: "account/{$prefix}{@id}"
  data: { set: { name: "{@data.name}", country: { from: ["{@data.address.country}", "{@data.address_country}"] } } }
- when: { "@entity": lead, "@action": create }
  type: lead.captured
  subject: "lead/{$prefix}{@id}"
  data:
    source: "{@data.source_name}"
    amount: { from: "{@data.value.amount}", currency: "{@data.value.currency}" }
    contact: "{$prefix}{@data.person_id}"
    account: "{$prefix}{@data.organization_id}"
    owner: { from: "{@data.owner_id}", table: owners }
- when: { "@entity": lead, "@action": change, "@changed": { has: [value, person_id, organization_id] } }
  type: lead.updated
  subject: "lead/{$prefix}{@id}"
  data:
    set:
      amount: { from: "{@data.value.amount}", currency: "{@data.value.currency}" }
      contact: "{$prefix}{@data.person_id}"
      account: "{$prefix}{@data.organization_id}"
- when: { "@entity": lead, "@action": change, "@changed": { has: owner_id } }
  type: lead.assigned
  subject: "lead/{$prefix}{@id}"
  data: { owner: { from: "{@data.owner_id}", table: owners } }
- when: { "@entity": activity, "@action": create }
  type: task.created
  subject: "task/{$prefix}{@id}"
  data:
    kind: { from: "{@data.type}", map: { call: call, meeting: meeting, email: email }, else: todo }
    title: { from: ["{@data.subject}", "{@data.type}"] }
    due: { from: ["{@data.due_date}T{@data.due_time}:00Z", "{@data.due_date}"] }
    about: { from: ["deal/{$prefix}{@data.deal_id}", "lead/{$prefix}{@data.lead_id}", "contact/{$prefix}{@data.person_id}"] }
    owner: { from: ["{@data.owner_id}", "{@data.user_id}"], table: owners }
- when: { "@entity": activity, "@action": change, "@data.done": true, "@changed": { has: done } }
  type: task.completed
  subject: "task/{$prefix}{@id}"
- when: { "@entity": activity, "@action": change, "@changed": { has: [due_date, due_time] }, "@data.due_date": { filled: true } }
  type: task.rescheduled
  subject: "task/{$prefix}{@id}"
  data: { due: { from: ["{@data.due_date}T{@data.due_time}:00Z", "{@data.due_date}"] } }
- when: { "@kind": { filled: true }, "@action": delete }
  type: "{@kind}.deleted"
  subject: "{@kind}/{$prefix}{@id}"
)yaml";

}  // namespace

// Any 2xx; ten first tries that fail ban the hook for 30 minutes.
const Connector kPipedriveConnector{
    "pipedrive", &split, kDefaults, {204, {}, {}}, "basic header query"};

}  // namespace dealwright::hooks
