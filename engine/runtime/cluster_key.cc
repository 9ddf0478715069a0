#include "engine/runtime/cluster_key.h"

#include <charconv>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/codec/event_codec.h"

namespace dealwright::runtime {

bool steers(TypeId type) {
  switch (type) {
    case TypeId::kRulePublished:
    case TypeId::kRulePaused:
    case TypeId::kRuleResumed:
    case TypeId::kRuleRetired:
    case TypeId::kSchemaUpdated:
    case TypeId::kTemplatePublished:
    case TypeId::kTemplateRetired:
    case TypeId::kWorkspacePaused:
    case TypeId::kWorkspaceResumed:
      return true;
    default:
      return false;
  }
}

ClusterKey::ClusterKey(std::string bytes)
    : bytes_{std::move(bytes)}, id_{hex(sha256(bytes_)).substr(0, 16)} {}

// REQUIRES: `bare` bears no mark of a key
std::string ClusterKey::mac(const Event& bare, std::uint32_t partition) const {
  std::string text;
  put_text(text, "default");
  put_varint(text, partition);
  codec::encode(bare, text);
  const auto digest = hmac_sha256(bytes_, text);
  return std::string{bytes_of(digest)};
}

void ClusterKey::sign(Event& event, std::uint32_t partition) const {
  event.key_id.clear();
  event.mac.clear();
  event.mac = mac(event, partition);
  event.key_id = id_;
}

bool ClusterKey::genuine(const Event& event, std::uint32_t partition) const {
  if (event.key_id != id_) return false;
  Event bare = event;
  bare.key_id.clear();
  bare.mac.clear();
  const auto expected = mac(bare, partition);
  if (expected.size() != event.mac.size()) return false;
  unsigned difference = 0;  // the same time whatever differs
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference |= static_cast<unsigned char>(expected[i] ^ event.mac[i]);
  }
  return difference == 0;
}

Sha256 ClusterKey::seal(std::string_view use, std::string_view bytes) const {
  std::string text;
  put_text(text, use);
  text += bytes;
  return hmac_sha256(bytes_, text);
}

void mark_send(Event& event, SendMark mark) {
  Map extensions = event.extensions;
  std::erase_if(extensions, [](const auto& entry) { return entry.first == kSendExtension; });
  auto text = std::to_string(mark.from) + ":" + std::to_string(mark.number);
  if (mark.hops > 0) text += ":" + std::to_string(mark.hops);
  extensions.emplace_back(std::string{kSendExtension}, std::move(text));
  event.extensions = *Value{std::move(extensions)}.as_map();
}

std::optional<SendMark> send_of(const Event& event) {
  if (event.extensions.empty()) return std::nullopt;
  const auto* value = find(event.extensions, kSendExtension);
  if (value == nullptr) return std::nullopt;
  const auto text = value->text_or_empty();
  SendMark mark;
  const auto* end = text.data() + text.size();
  const auto colon = std::from_chars(text.data(), end, mark.from);
  if (colon.ec != std::errc{} || colon.ptr == end || *colon.ptr != ':') return std::nullopt;
  const auto number = std::from_chars(colon.ptr + 1, end, mark.number);
  if (number.ec != std::errc{}) return std::nullopt;
  if (number.ptr != end && *number.ptr == ':') {
    if (std::from_chars(number.ptr + 1, end, mark.hops).ec != std::errc{}) return std::nullopt;
  }
  return mark;
}

bool is_forwarded(const Event& event) {
  return event.type == TypeId::kForeignType || spec_of(event.type).group < EventGroup::kReference;
}

}  // namespace dealwright::runtime
