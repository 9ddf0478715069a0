// Salesforce outbound messages: SOAP, at most 100 notifications a request, answered by an Ack once
// all are durable. Without it Salesforce repeats for 24 hours, in any order. Each carries the
// fields that ops chose, as they are when it is sent: never a full trail of what changed.
#include "connectors/hooks/config.h"
#include "connectors/hooks/connector.h"
#include "connectors/hooks/salesforce.h"
#include "connectors/hooks/soap.h"
#include "engine/base/hash.h"

namespace dealwright::hooks {
namespace {

constexpr std::string_view kSoap = "http://schemas.xmlsoap.org/soap/envelope/";
constexpr std::string_view kOutbound = "http://soap.sforce.com/2005/09/outbound";
// Letter for letter what Salesforce documents.
constexpr const char* kAck =
    R"(<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound">
   <Ack>true</Ack>
  </notificationsResponse>
 </soapenv:Body>
</soapenv:Envelope>
)";

HookRefusal bad(std::string detail) { return {"bad_payload", 400, std::move(detail), {}}; }

const Map* map_at(const Map* map, std::string_view name) {
  const auto* value = map == nullptr ? nullptr : find(*map, name);
  return value == nullptr ? nullptr : value->as_map();
}

// When it became so, as far as ops let it be sent.
std::optional<Instant> time_of(const Map& fields) {
  for (const auto* name : {"SystemModstamp", "LastModifiedDate"}) {
    const auto* value = find(fields, name);
    const auto at = value == nullptr ? std::nullopt : instant_of(*value);
    if (at) return at;
  }
  return std::nullopt;
}

std::string action_of(const Map& fields) {
  if (member_text(fields, "IsDeleted") == "true") return "delete";
  const auto created = member_text(fields, "CreatedDate");
  const bool fresh = !created.empty() && (created == member_text(fields, "LastModifiedDate") ||
                                          created == member_text(fields, "SystemModstamp"));
  return fresh ? "create" : "update";
}

// `around`: OrganizationId, ActionId and the like.
Notice notice_of(const Value& item, const Map& around) {
  static const Map kNone;
  Notice out;
  const auto* notification = item.as_map();
  const auto* record = map_at(notification, "sObject");
  const auto& fields = record == nullptr ? kNone : *record;
  Map body = around;
  if (notification == nullptr)
    body.emplace_back("value", item);
  else
    body.insert(body.end(), notification->begin(), notification->end());
  out.body = Value{std::move(body)};
  const auto id = notification == nullptr ? std::string{} : member_text(*notification, "Id");
  const auto record_id = member_text(fields, "Id");
  const auto entity = sound_word(member_text(fields, "type"));
  const auto kind = salesforce_kind(entity);
  const auto action = action_of(fields);
  out.id = id.empty() ? "unreadable:" + short_hash(to_json(out.body)) : id;
  out.type =
      record == nullptr ? "com.salesforce.unreadable" : "com.salesforce." + entity + "." + action;
  out.subject = record_id.empty() ? parse_record_key("salesforce/unknown")
                : kind == Kind::kForeign
                    ? parse_record_key("salesforce/" + entity + "/" + record_id)
                    : RecordKey{kind, record_id};
  out.time = time_of(fields);
  out.actor = "system/salesforce";
  out.aliases = {{"record", "sObject"}};
  out.facts = {{"action", Value{action}},
               {"delta", Value{false}},
               {"id", Value{record_id}},
               {"kind", Value{kind_name(kind)}},
               {"object", Value{entity}}};
  return out;
}

Read<Batch> split(const HookRequest& request, const HookConfig& config) {
  const auto xml = read_xml(request.body);
  if (!xml) return bad("the body: " + xml.error().detail);
  const auto* envelope = map_at(xml.value().as_map(), "Envelope");
  const auto* all = map_at(map_at(envelope, "Body"), "notifications");
  if (all == nullptr || member_text(*envelope, "xmlns") != kSoap ||
      member_text(*all, "xmlns") != kOutbound)
    return bad("the body is no outbound message: Envelope, Body, notifications");
  const auto wanted = config.setting("organization");
  const auto organization = member_text(*all, "OrganizationId");
  // 15 letters of an id are as good as its 18.
  if (!wanted.empty() && !same_secret(wanted.substr(0, 15), organization.substr(0, 15)))
    return HookRefusal{"wrong_sender", 401, "OrganizationId is not the one under settings", {}};

  Batch out;
  Map around;
  for (const auto& [name, value] : *all) {
    if (name == "Notification" || name == "xmlns") continue;
    if (name == "SessionId") {
      if (value.as_text() != nullptr && !value.as_text()->empty())
        out.left_out.push_back(
            {"SessionId", "secret",
             "a session of Salesforce is never kept; clear \"Send Session ID\""});
      continue;
    }
    around.emplace_back(name, value);
  }
  const auto* found = find(*all, "Notification");
  if (found == nullptr) return bad("the outbound message holds no Notification");
  const List one{*found};
  const auto& items = found->as_list() != nullptr ? *found->as_list() : one;
  if (items.size() > kBatchMax)
    return HookRefusal{"batch_too_large",
                       400,
                       "the message holds " + std::to_string(items.size()) +
                           " notifications; at most 100 are taken at once",
                       {}};
  for (const auto& item : items) out.notices.push_back(notice_of(item, around));
  return out;
}

}  // namespace

const Connector kSalesforceOutboundConnector{"salesforce_outbound",
                                             &split,
                                             kSalesforceDefaults,
                                             {200, "text/xml; charset=utf-8", kAck},
                                             "query header basic"};

}  // namespace dealwright::hooks
