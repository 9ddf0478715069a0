#include "connectors/http/api_key.h"

#include <algorithm>
#include <mutex>

#include "connectors/http/text.h"

namespace dealwright::http {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;

constexpr std::string_view kPrefix = "dw_";
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kTextBytes = 48;

std::string checksum(std::string_view bytes) {
  const auto crc = crc32c(bytes);
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((crc >> shift) & 0xff);
  return out;
}

std::string id_of(const Sha256& digest) { return "k_" + hex(digest).substr(0, 12); }

bool is_scope(std::string_view scope) {
  const auto colon = scope.find(':');
  const auto name = scope.substr(0, colon);
  if (name.empty() || name.size() > 64) return false;
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_-") != std::string_view::npos)
    return false;
  return colon == std::string_view::npos || scope.substr(colon) == ":read";
}

}  // namespace

std::string make_api_key(Random& random) {
  std::string bytes;
  while (bytes.size() < kRandomBytes) {
    auto draw = random.next();
    for (int i = 0; i < 8; ++i, draw >>= 8) bytes += static_cast<char>(draw & 0xff);
  }
  return std::string{kPrefix} + base64url(bytes + checksum(bytes));
}

bool is_api_key(std::string_view text) {
  if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + kTextBytes) return false;
  const auto bytes = base64url_decode(text.substr(kPrefix.size()));
  return bytes && bytes->substr(kRandomBytes) == checksum(bytes->substr(0, kRandomBytes));
}

bool scopes_reach(const std::vector<std::string>& scopes, std::string_view resource, bool reads) {
  if (scopes.empty()) return true;
  return std::any_of(scopes.begin(), scopes.end(), [&](std::string_view scope) {
    const auto colon = scope.find(':');
    return scope.substr(0, colon) == resource && (reads || colon == std::string_view::npos);
  });
}

Result<KeyBook::Made> KeyBook::make(Random& random, Instant now, KeyRecord asked) {
  if (asked.name.empty() || asked.name.size() > 200)
    return Error{Code::kInvalid, "a key needs a name of 1 to 200 bytes"};
  if (asked.roles.empty())
    return Error{Code::kInvalid, "a key needs a role: it may do nothing else"};
  for (const auto& scope : asked.scopes) {
    if (!is_scope(scope))
      return Error{Code::kInvalid, "scope \"" + scope + "\" is no resource, nor resource:read"};
  }
  Made made;
  made.key = make_api_key(random);
  made.record = std::move(asked);
  made.record.digest = sha256(made.key);
  made.record.id = id_of(made.record.digest);
  made.record.created = now;
  made.record.revoked.reset();
  const std::unique_lock lock{mutex_};
  for (const auto& [id, entry] : by_id_) {
    if (made.record.request.empty() || entry.record->request != made.record.request) continue;
    return Error{Code::kConflict, "this request made key " + id +
                                      " before, and showed it then; revoke it and ask for another "
                                      "with an Idempotency-Key of its own"};
  }
  if (!by_id_.try_emplace(made.record.id, made.record).second)
    return Error{Code::kConflict, "two keys begin alike; make it again", true};
  return made;
}

Result<void> KeyBook::revoke(std::string_view id, Instant now) {
  const std::unique_lock lock{mutex_};
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return Error{Code::kNotFound, "no key has that id"};
  if (found->second.record->revoked) return ok();
  auto changed = *found->second.record;
  changed.revoked = now;
  found->second.record = std::make_shared<const KeyRecord>(std::move(changed));
  return ok();
}

void KeyBook::forget(std::string_view id) {
  const std::unique_lock lock{mutex_};
  if (const auto found = by_id_.find(id); found != by_id_.end()) by_id_.erase(found);
}

std::vector<KeyRecord> KeyBook::list() const {
  const std::shared_lock lock{mutex_};
  std::vector<KeyRecord> out;
  for (const auto& [id, entry] : by_id_) {
    auto& key = out.emplace_back(*entry.record);
    const auto used = entry.used_ms.load();
    if (used > 0) key.used = Instant{used};
  }
  return out;
}

// Found by 48 bits of a digest, which a caller cannot choose; the rest compares in constant time.
KeyBook::Answer KeyBook::check(std::string_view key, Instant now) const {
  if (key.empty()) return {Verdict::kMissing, nullptr};
  if (!is_api_key(key)) return {Verdict::kMistyped, nullptr};
  const auto digest = sha256(key);
  const std::shared_lock lock{mutex_};
  const auto found = by_id_.find(id_of(digest));
  if (found == by_id_.end()) return {Verdict::kUnknown, nullptr};
  const auto& record = found->second.record;
  if (!equal_in_constant_time(bytes_of(digest), bytes_of(record->digest)))
    return {Verdict::kUnknown, nullptr};
  if (record->revoked) return {Verdict::kRevoked, record};
  if (record->expires && *record->expires <= now) return {Verdict::kExpired, record};
  note_use(found->second, now);
  return {Verdict::kGood, record};
}

void KeyBook::note_use(const Entry& entry, Instant now) const {
  const auto minute = now.ms - now.ms % kMinuteMs;
  if (entry.used_ms.load(std::memory_order_relaxed) >= minute) return;
  entry.used_ms = minute;
  used_ = true;
}

bool KeyBook::uses_to_save(Instant now, Duration since) const {
  return used_.load(std::memory_order_relaxed) && now.ms - saved_ms_.load() >= since.ms;
}

bool KeyBook::holds(std::string_view id, Instant now) const {
  const std::shared_lock lock{mutex_};
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second.record->revoked) return false;
  const auto& expires = found->second.record->expires;
  return !expires || *expires > now;
}

}  // namespace dealwright::http
