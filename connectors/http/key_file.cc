// The key book as a file:
//   {"format":1,"keys":[{"created":..,"digest":hex,"id":..,"name":..,"roles":[..],"scopes":[..],
//    "workspace":..[,"expires":..][,"request":..][,"revoked":..][,"used":..]}]}
#include <algorithm>
#include <mutex>

#include "connectors/http/api_key.h"
#include "engine/base/value.h"
#include "engine/codec/json.h"

namespace dealwright::http {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{16} << 20;

Value to_value(const KeyRecord& key) {
  List roles, scopes;
  for (const auto name : key.roles.names()) roles.emplace_back(name);
  for (const auto& scope : key.scopes) scopes.emplace_back(scope);
  Map out{{"created", key.created},    {"digest", hex(key.digest)}, {"id", key.id},
          {"name", key.name},          {"roles", std::move(roles)}, {"scopes", std::move(scopes)},
          {"workspace", key.workspace}};
  if (key.expires) out.emplace_back("expires", *key.expires);
  if (!key.request.empty()) out.emplace_back("request", key.request);
  if (key.revoked) out.emplace_back("revoked", *key.revoked);
  if (key.used) out.emplace_back("used", *key.used);
  return Value{std::move(out)};
}

Error bad(std::string_view what) {
  return Error{Code::kDamaged, "the file of keys: " + std::string{what}};
}

bool read_digest(std::string_view text, Sha256& out) {
  if (text.size() != out.size() * 2) return false;
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = kHex.find(text[i * 2]);
    const auto low = kHex.find(text[i * 2 + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

Result<void> read_member(std::string_view name, const Value& value, KeyRecord& out) {
  if (name == "created" || name == "expires" || name == "revoked" || name == "used") {
    DW_TRY(const auto at, parse_instant(value.text_or_empty()));
    if (name == "created") out.created = at;
    if (name == "expires") out.expires = at;
    if (name == "revoked") out.revoked = at;
    if (name == "used") out.used = at;
  } else if (name == "digest") {
    if (!read_digest(value.text_or_empty(), out.digest)) return bad("a digest is no SHA-256");
  } else if (name == "roles" || name == "scopes") {
    if (value.as_list() == nullptr) return bad("roles and scopes are lists");
    for (const auto& item : *value.as_list()) {
      const auto role = parse_role(item.text_or_empty());
      if (name == "scopes") {
        out.scopes.emplace_back(item.text_or_empty());
      } else if (role) {
        out.roles.add(*role);
      } else {
        return bad("there is no role " + std::string{item.text_or_empty()});
      }
    }
  } else if (name == "id") {
    out.id = value.text_or_empty();
  } else if (name == "name") {
    out.name = value.text_or_empty();
  } else if (name == "request") {
    out.request = value.text_or_empty();
  } else if (name == "workspace") {
    out.workspace = value.text_or_empty();
  } else {
    return bad("it has a member that this version does not know: " + std::string{name});
  }
  return ok();
}

}  // namespace

std::string KeyBook::to_text() const {
  List keys;
  for (const auto& key : list()) keys.push_back(to_value(key));
  return to_json(Value{Map{{"format", 1}, {"keys", std::move(keys)}}}) + "\n";
}

Result<void> KeyBook::read(std::string_view text, KeyBook& into) {
  codec::JsonLimits limits;
  limits.bytes = kFileBytesMax;
  limits.values = 1'000'000;
  DW_TRY(const auto root, codec::parse_json(text, limits));
  const auto* map = root.as_map();
  const auto* format = map == nullptr ? nullptr : find(*map, "format");
  const auto* keys = map == nullptr ? nullptr : find(*map, "keys");
  if (format == nullptr || format->as_int() == nullptr || *format->as_int() != 1)
    return bad("its format is not 1");
  if (keys == nullptr || keys->as_list() == nullptr) return bad("it has no list of keys");
  std::map<std::string, Entry, std::less<>> read;
  for (const auto& entry : *keys->as_list()) {
    if (entry.as_map() == nullptr) return bad("a key is no object");
    KeyRecord key;
    for (const auto& [name, value] : *entry.as_map()) {
      DW_TRY(read_member(name, value, key));
    }
    if (key.id != "k_" + hex(key.digest).substr(0, 12)) return bad("an id is not of its digest");
    if (key.roles.empty()) return bad("key " + key.id + " has no role");
    auto id = key.id;
    if (!read.try_emplace(std::move(id), std::move(key)).second)
      return bad("a key stands there twice");
  }
  const std::unique_lock lock{into.mutex_};
  into.by_id_ = std::move(read);
  return ok();
}

// One at a time, each with all that the book has by then: an older text never lands on a newer.
Result<void> KeyBook::save(FileSystem& files, const std::string& path, Instant now) {
  const std::lock_guard lock{saving_};
  used_ = false;
  auto done = write_durable(files, path, to_text());
  if (!done) used_ = true;
  saved_ms_ = now.ms;
  return done;
}

Result<void> KeyBook::load(FileSystem& files, const std::string& path, KeyBook& into) {
  auto text = read_whole(files, path, kFileBytesMax);
  if (!text && text.error().code == Code::kRefused) return bad("it is longer than 16 MiB");
  DW_TRY(const auto bytes, std::move(text));
  return read(bytes, into);
}

}  // namespace dealwright::http
