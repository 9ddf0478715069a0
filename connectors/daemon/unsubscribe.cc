#include "connectors/daemon/unsubscribe.h"

#include <algorithm>

#include "connectors/http/text.h"
#include "engine/base/bytes.h"

namespace dealwright::daemon {
namespace {

constexpr std::string_view kUse = "unsubscribe";
constexpr std::size_t kMacBytes = 16;
constexpr std::size_t kTokenBytesMax = 1024;

std::string mac_of(std::string_view body, const runtime::ClusterKey& key) {
  return std::string{bytes_of(key.seal(kUse, body)).substr(0, kMacBytes)};
}

Error refused() {
  return Error{Code::kInvalid,
               "this link is not one of ours, or it was cut: take it from the mail"};
}

}  // namespace

Unsubscription unsubscription_of(std::uint32_t partition, const Effect& effect) {
  Unsubscription out;
  out.partition = partition;
  out.person = parse_record_key(effect.recipient);
  if (const auto* purpose = find(effect.payload, "purpose")) out.purpose = purpose->text_or_empty();
  std::copy_n(effect.id.begin(), out.effect.size(), out.effect.begin());
  return out;
}

std::string unsubscribe_token(const Unsubscription& what, const runtime::ClusterKey& key) {
  std::string body;
  put_varint(body, what.partition);
  put_text(body, to_text(what.person));
  put_text(body, what.purpose);
  for (const auto byte : what.effect) body += static_cast<char>(byte);
  return http::base64url(body + mac_of(body, key));
}

Result<Unsubscription> read_unsubscribe_token(std::string_view token,
                                              const runtime::ClusterKey& key) {
  if (token.size() > kTokenBytesMax) return refused();
  const auto bytes = http::base64url_decode(token);
  if (!bytes || bytes->size() <= kMacBytes) return refused();
  const auto body = std::string_view{*bytes}.substr(0, bytes->size() - kMacBytes);
  const auto mac = std::string_view{*bytes}.substr(body.size());
  if (!http::equal_in_constant_time(mac_of(body, key), mac)) return refused();
  ByteReader in{body};
  Unsubscription out;
  out.partition = static_cast<std::uint32_t>(in.varint());
  out.person = parse_record_key(in.text());
  out.purpose = in.text();
  const auto effect = in.rest();
  if (effect.size() != out.effect.size() || out.person.kind == Kind::kForeign) return refused();
  std::transform(effect.begin(), effect.end(), out.effect.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  return out;
}

std::function<std::string(std::uint32_t partition, const Effect&)> unsubscribe_links(
    std::string base, const runtime::ClusterKey& key) {
  if (base.empty()) return {};
  return [base = std::move(base), &key](std::uint32_t partition, const Effect& effect) {
    return base + unsubscribe_token(unsubscription_of(partition, effect), key);
  };
}

}  // namespace dealwright::daemon
