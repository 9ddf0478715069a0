// What the engine itself appends to `events` carries an HMAC-SHA-256 under the cluster key over
// workspace, partition, source, id, type and data (design.md 7.3). The leader checks it and records
// its verdict, so that replay needs no key. Sends between partitions are marked and signed alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/hash.h"
#include "engine/domain/event.h"

namespace dealwright::runtime {

// Types that steer the engine itself: rules, templates, the schema, the pause. Who may tell facts
// may not tell these; where others write into the log too, they count only if they are signed.
bool steers(TypeId type);

class ClusterKey {
 public:
  // `bytes`: the secret. Its id, the first 8 bytes of its SHA-256 in hex, names it in events.
  explicit ClusterKey(std::string bytes);
  void sign(Event& event, std::uint32_t partition) const;
  bool genuine(const Event& event, std::uint32_t partition) const;
  // For tokens that leave and come back: an HMAC under this key, of `bytes` for one use alone.
  Sha256 seal(std::string_view use, std::string_view bytes) const;

 private:
  std::string mac(const Event& event, std::uint32_t partition) const;
  std::string bytes_;
  std::string id_;
};

struct SendMark {
  std::uint32_t from = 0;
  std::uint64_t number = 0;
  std::uint32_t hops = 0;  // of a forwarded fact: sends before this one
};
inline constexpr std::string_view kSendExtension = "dwsend";  // the attribute that says so
void mark_send(Event& event, SendMark mark);                  // in place of one that it may have
std::optional<SendMark> send_of(const Event& event);
// Of an event that was sent: whether it is a fact from outside, not one that all partitions get or
// that they tell each other.
bool is_forwarded(const Event& event);

}  // namespace dealwright::runtime
