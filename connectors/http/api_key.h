// API keys: `dw_` and 48 characters of base64url, which are 256 random bits and a checksum. Shown
// once, when made; what is kept is their SHA-256.
#pragma once

#include <atomic>
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
  // The last request that it let in, to the minute; written down within ten minutes, or at a stop.
  std::optional<Instant> used;
  std::string request;  // what asked for it, if it is to be made once: see KeyBook::make
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
  // Makes a key and adds it. `asked`: name, workspace, roles, scopes, expires, request.
  // kInvalid: no role, no name, or an unknown form of scope. kConflict: that request made one
  // before; the error names it.
  Result<Made> make(Random& random, Instant now, KeyRecord asked);
  // From now on, for every request whose head is not yet read. kNotFound.
  Result<void> revoke(std::string_view id, Instant now);
  void forget(std::string_view id);  // as if it had never been made
  std::vector<KeyRecord> list() const;

  enum class Verdict : std::uint8_t { kGood, kMissing, kMistyped, kUnknown, kExpired, kRevoked };
  struct Answer {
    Verdict verdict = Verdict::kUnknown;
    std::shared_ptr<const KeyRecord> record;  // of kGood, kExpired, kRevoked
  };
  Answer check(std::string_view key, Instant now) const;
  // Whether the key of that id is still good: what goes on for long asks again.
  bool holds(std::string_view id, Instant now) const;

  // Uses that no save has written down yet, and the last save was `since` ago.
  bool uses_to_save(Instant now, Duration since = minutes(10)) const;

  // JSON, keys in the order of their ids. Reading refuses what it does not know.
  std::string to_text() const;
  static Result<void> read(std::string_view text, KeyBook& into);
  // Through a draft beside it, synced, renamed over it, its directory synced.
  Result<void> save(FileSystem& files, const std::string& path, Instant now);
  // kNotFound: no such file.
  static Result<void> load(FileSystem& files, const std::string& path, KeyBook& into);

 private:
  struct Entry {
    explicit Entry(KeyRecord read)
        : used_ms{read.used.value_or(Instant{0}).ms},
          record{std::make_shared<const KeyRecord>(std::move(read))} {}
    mutable std::atomic<std::int64_t> used_ms;  // 0: never
    std::shared_ptr<const KeyRecord> record;
  };
  void note_use(const Entry& entry, Instant now) const;

  mutable std::shared_mutex mutex_;
  std::mutex saving_;  // held before the other
  std::map<std::string, Entry, std::less<>> by_id_;
  mutable std::atomic<bool> used_{false};  // since the last save
  std::atomic<std::int64_t> saved_ms_{0};
};

}  // namespace dealwright::http
