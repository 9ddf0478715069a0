// Salesforce Change Data Capture, posted by a bridge that subscribes to it (Pub/Sub API or CometD):
// one change event, or a list of at most 100, each bare, below `payload` or below `data.payload`.
//
//   {"ChangeEventHeader":{"entityName":"Opportunity","recordIds":["006.."],"changeType":"UPDATE",
//    "commitTimestamp":1652977933000,"transactionKey":"..","sequenceNumber":1,..},"StageName":".."}
//
// A header names several records if all changed alike: each is a notice. GAP_ types, and ids that
// end in `*`, say that something changed and not what: com.salesforce.read_again.
#include "connectors/hooks/config.h"
#include "connectors/hooks/connector.h"
#include "connectors/hooks/salesforce.h"

namespace dealwright::hooks {
namespace {

constexpr std::size_t kNoticesMax = 1'000;  // of one request

// The change event inside what the bridge wraps around it; the wrapping goes along as `around`.
Value unwrapped(const Value& item) {
  auto value = item;
  Map around;
  for (const std::string_view name : {"data", "payload"}) {
    const auto* map = value.as_map();
    const auto* inner = map == nullptr ? nullptr : find(*map, name);
    if (inner == nullptr || inner->as_map() == nullptr ||
        find(*map, "ChangeEventHeader") != nullptr)
      continue;
    for (const auto& member : *map) {
      if (member.first != name) around.push_back(member);
    }
    const auto kept = *inner;
    value = kept;
  }
  const auto* map = value.as_map();
  if (around.empty() || map == nullptr || find(*map, "ChangeEventHeader") == nullptr) return value;
  Map both = *map;
  both.emplace_back("around", Value{std::move(around)});
  return Value{std::move(both)};
}

Notice unreadable(const Value& item) {
  Notice out;
  out.id = "unreadable:" + short_hash(to_json(item));
  out.type = "com.salesforce.unreadable";
  out.subject = parse_record_key("salesforce/unknown");
  out.body = item;
  return out;
}

std::string action_of(const std::string& change) {
  if (change == "CREATE") return "create";
  if (change == "UPDATE") return "update";
  if (change == "DELETE") return "delete";
  if (change == "UNDELETE") return "undelete";
  return "read_again";
}

// The change as it is about one record of several: the others' ids are not kept with it.
Value about(const Value& change, const Map& header, const std::string& record) {
  Map own{header};
  for (auto& [name, value] : own) {
    if (name == "recordIds") value = Value{List{Value{record}}};
  }
  Map out = *change.as_map();
  for (auto& [name, value] : out) {
    if (name == "ChangeEventHeader") value = Value{own};
  }
  return Value{std::move(out)};
}

Notice notice_of(const Value& change, const Map& header, const std::string& record) {
  Notice out;
  const auto entity = sound_word(member_text(header, "entityName"));
  const auto said = member_text(header, "changeType");
  const bool wildcard = record.empty() || record.ends_with('*');
  const auto action = wildcard ? "read_again" : action_of(said);
  const auto kind = wildcard ? Kind::kForeign : salesforce_kind(entity);
  out.id = member_text(header, "transactionKey") + ":" + member_text(header, "sequenceNumber") +
           ":" + record + ":" + said;
  out.type = action == "read_again" ? "com.salesforce.read_again"
                                    : "com.salesforce." + entity + "." + action;
  out.subject = kind != Kind::kForeign
                    ? RecordKey{kind, record}
                    : parse_record_key("salesforce/" + entity + (wildcard ? "" : "/" + record));
  if (const auto* at = find(header, "commitTimestamp")) out.time = instant_of(*at);
  const auto user = member_text(header, "commitUser");
  out.actor = user.empty() ? "system/salesforce" : "user/" + user;
  out.body = change;
  out.aliases = {{"record", ""}, {"header", "ChangeEventHeader"}};
  out.facts = {{"action", Value{action}},
               {"delta", Value{true}},
               {"id", Value{record}},
               {"kind", Value{kind_name(kind)}},
               {"object", Value{entity}}};
  return out;
}

Read<Batch> split(const HookRequest& request, const HookConfig&) {
  auto items = json_items(request.body);
  if (!items) return items.error();
  Batch out;
  for (const auto& item : items.value()) {
    auto change = unwrapped(item);
    const auto* map = change.as_map();
    const auto* head = map == nullptr ? nullptr : find(*map, "ChangeEventHeader");
    const auto* header = head == nullptr ? nullptr : head->as_map();
    if (header == nullptr) {
      out.notices.push_back(unreadable(item));
      continue;
    }
    const auto* ids = find(*header, "recordIds");
    const auto* list = ids == nullptr ? nullptr : ids->as_list();
    if (list == nullptr || list->empty())
      out.notices.push_back(notice_of(change, *header, {}));
    else
      for (const auto& id : *list)
        out.notices.push_back(
            notice_of(list->size() == 1 ? change : about(change, *header, scalar_text(id)), *header,
                      scalar_text(id)));
    if (out.notices.size() > kNoticesMax)
      return HookRefusal{"batch_too_large",
                         400,
                         "the change events name more than 1000 records; post fewer at once",
                         {}};
  }
  return out;
}

}  // namespace

const Connector kSalesforceCdcConnector{"salesforce_cdc",
                                        &split,
                                        kSalesforceDefaults,
                                        {204, {}, {}},
                                        "hmac standard_webhooks header basic query"};

}  // namespace dealwright::hooks
