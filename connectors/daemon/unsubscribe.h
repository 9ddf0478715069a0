// Tokens of unsubscribe links: opaque, and good for one person, purpose and mail (RFC 8058). They
// name records by id, never a name or an address.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/domain/enrolment.h"
#include "engine/runtime/cluster_key.h"

namespace dealwright::daemon {

struct Unsubscription {
  std::uint32_t partition = 0;  // that sent the mail
  RecordKey person;
  std::string purpose;
  std::array<std::uint8_t, 8> effect{};  // the beginning of its id
  friend bool operator==(const Unsubscription&, const Unsubscription&) = default;
};
Unsubscription unsubscription_of(std::uint32_t partition, const Effect& effect);

// base64url of partition, person, purpose, effect and the first 16 bytes of an HMAC over them under
// the cluster key. It never expires: an old mail unsubscribes too.
std::string unsubscribe_token(const Unsubscription& what, const runtime::ClusterKey& key);
// kInvalid: cut, forged, or of another cluster.
Result<Unsubscription> read_unsubscribe_token(std::string_view token,
                                              const runtime::ClusterKey& key);

// The address for each mail: `base`, then its token. None without a base. The key outlives it.
std::function<std::string(std::uint32_t partition, const Effect&)> unsubscribe_links(
    std::string base, const runtime::ClusterKey& key);

}  // namespace dealwright::daemon
