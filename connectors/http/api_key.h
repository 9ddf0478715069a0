// API keys: `dw_` and 48 characters of base64url, which are 256 random bits and a checksum. Shown
// once, when made; what is kept is their SHA-256.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/http/role.h"
#include "engine/base/hash.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/ports/clock.h"
#include "engine/ports/file_system.h"

namespace dealwright::http {

std::string make_api_key(Random& random);
// Whether it has the form and its checksum holds: if not, it was mistyped or cut, not revoked.
bool is_api_key(std::string_view text);

// What is kept of a key.
struct KeyRecord {
  std::string id;    // `k_` and 12 hex digits of the digest: to name it in lists and logs
  std::string name;  // for people
  std::string workspace;
  Sha256 digest{};
  RoleSet roles;
  std::vector<std::string> scopes;  // resources, or `resource:read`; none: all that the roles allow
  Instant created{};
  std::optional<Instant> expires;
  std::optional<Instant> revoked;
};

// Whether the scopes reach a resource: by name, or by `name:read` if only read.
bool scopes_reach(const std::vector<std::string>& scopes, std::string_view resource, bool reads);

// The keys known, in memory. Any thread may call. Who is not in it is nobody.
class KeyBook {
 public:
  struct Made {
    std::string key;  // shown once
    KeyRecord record;
  };
  // Makes a key and adds it. `asked`: name, workspace, roles, scopes, expires.
  // kInvalid: no role, no name, or an unknown form of scope.
  Result<Made> make(Random& random, Instant now, KeyRecord asked);
  // From now on, for every request whose head is not yet read. kNotFound.
  Result<void> revoke(std::string_view id, Instant now);
  std::vector<KeyRecord> list() const;

  enum class Verdict : std::uint8_t { kGood, kMissing, kMistyped, kUnknown, kExpired, kRevoked };
  struct Answer {
    Verdict verdict = Verdict::kUnknown;
    std::shared_ptr<const KeyRecord> record;  // of kGood, kExpired, kRevoked
  };
  Answer check(std::string_view key, Instant now) const;
  // Whether the key of that id is still good: what goes on for long asks again.
  bool holds(std::string_view id, Instant now) const;

  // JSON, keys in the order of their ids. Reading refuses what it does not know.
  std::string to_text() const;
  static Result<void> read(std::string_view text, KeyBook& into);
  // Through a draft beside it, synced, renamed over it, its directory synced.
  Result<void> save(FileSystem& files, const std::string& path) const;
  // kNotFound: no such file.
  static Result<void> load(FileSystem& files, const std::string& path, KeyBook& into);

 private:
  mutable std::shared_mutex mutex_;
  mutable std::mutex saving_;  // held before the other
  std::map<std::string, std::shared_ptr<const KeyRecord>, std::less<>> by_id_;
};

}  // namespace dealwright::http
