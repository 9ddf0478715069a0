// Any sender that posts JSON: the hook file says where ids and times stand, and what is made of it.
#include <algorithm>

#include "connectors/hooks/config.h"
#include "connectors/hooks/connector.h"

namespace dealwright::hooks {
namespace {

constexpr const char* kAround = "around";

// Fields of the request, by small name, without what proves who sent it.
Map headers_of(const HookRequest& request, const Verify& verify) {
  Map out;
  for (const auto& [name, value] : request.headers) {
    std::string small = name;
    std::transform(small.begin(), small.end(), small.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    std::string proof = verify.name;
    std::transform(proof.begin(), proof.end(), proof.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (small == "authorization" || small == "cookie" || small == "webhook-signature" ||
        small == proof)
      continue;
    out.emplace_back(std::move(small), Value{value});
  }
  return *Value{std::move(out)}.as_map();
}

Notice notice_of(Value item, const Map& facts, const HookConfig& config) {
  Notice out;
  out.body = std::move(item);
  out.facts = facts;
  const auto& cut = config.cut;
  Scope scope{out, config.settings};
  out.id = scope.render(cut.id);
  if (out.id.empty()) out.id = "sha256:" + short_hash(to_json(out.body));
  for (const auto& text : cut.time) {
    if (!out.time) {
      const auto* lone = text.lone();
      out.time = instant_of(lone != nullptr ? scope.find(*lone) : Value{scope.render(text)});
    }
  }
  out.type = scope.render(cut.type);
  if (std::count(out.type.begin(), out.type.end(), '.') < 2)  // ours are made by entries alone
    out.type = "com.dealwright.hook." + config.name + (out.type.empty() ? "" : "." + out.type);
  const auto subject = scope.render(cut.subject);
  out.subject = parse_record_key(subject.empty() ? "hook/" + config.name : subject);
  out.actor = scope.render(cut.actor);
  if (out.actor.empty()) out.actor = "system/" + config.name;
  return out;
}

// The list that `each` names, with at most kBatchMax elements.
Read<std::vector<Value>> elements(const Value& item, const HookConfig& config) {
  Notice whole;
  whole.body = item;
  Scope scope{whole, config.settings};
  const auto found = scope.find(*config.cut.each);
  const auto* list = found.as_list();
  if (list == nullptr) return std::vector<Value>{item};  // kept as it came
  if (list->size() > kBatchMax)
    return HookRefusal{"batch_too_large",
                       400,
                       "the body holds " + std::to_string(list->size()) +
                           " notices; at most 100 are taken at once",
                       {}};
  // What stands around the list goes with each element.
  const auto around = scope.rest();
  std::vector<Value> out;
  for (const auto& element : *list) {
    const auto* map = element.as_map();
    if (map == nullptr || around.absent() || find(*map, kAround) != nullptr) {
      out.push_back(element);
      continue;
    }
    Map both = *map;
    both.emplace_back(kAround, around);
    out.emplace_back(std::move(both));
  }
  return out;
}

Read<Batch> split(const HookRequest& request, const HookConfig& config) {
  auto items = json_items(request.body);
  if (!items) return items.error();
  const Map facts{{"headers", Value{headers_of(request, config.verify)}}};
  Batch out;
  std::vector<Value> cut;
  for (auto& item : items.value()) {
    if (!config.cut.each) {
      cut.push_back(std::move(item));
      continue;
    }
    auto more = elements(item, config);
    if (!more) return more.error();
    cut.insert(cut.end(), more.value().begin(), more.value().end());
  }
  if (cut.size() > kBatchMax)
    return HookRefusal{"batch_too_large", 400, "the body holds more than 100 notices", {}};
  for (auto& item : cut) out.notices.push_back(notice_of(std::move(item), facts, config));
  // One id of a field of the request for a whole list: each element needs its own.
  auto& all = out.notices;
  const bool one = all.size() > 1 && !config.cut.id.empty() &&
                   std::all_of(all.begin(), all.end(),
                               [&](const Notice& notice) { return notice.id == all.front().id; });
  for (std::size_t i = 0; one && i < all.size(); ++i) all[i].id += "#" + std::to_string(i + 1);
  return out;
}

}  // namespace

const Connector kGenericConnector{
    "generic", &split, {}, {204, {}, {}}, "hmac standard_webhooks header basic query"};

}  // namespace dealwright::hooks
