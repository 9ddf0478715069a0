#include "connectors/daemon/backup/key_bundle.h"

#include "engine/base/base64.h"
#include "engine/base/value.h"
#include "engine/codec/json.h"

namespace dealwright::daemon {
namespace {

constexpr std::size_t kClusterKeyBytes = 32;
constexpr std::size_t kKeysBytesMax = std::size_t{16} << 20;

}  // namespace

Result<KeyBundle> read_keys(FileSystem& files, const std::string& data) {
  KeyBundle out;
  DW_TRY(out.cluster_key, read_whole(files, data + "/" + std::string{kClusterKeyFile}, 64));
  auto keys = read_whole(files, data + "/" + std::string{kApiKeysFile}, kKeysBytesMax);
  if (!keys && keys.error().code == Code::kNotFound) return out;  // none was made yet
  DW_TRY(out.api_keys, std::move(keys));
  return out;
}

std::string to_text(const KeyBundle& keys) {
  return to_json(Value{Map{{"cluster_key", Value{base64(keys.cluster_key)}},
                           {"api_keys", Value{keys.api_keys}}}}) +
         "\n";
}

Result<KeyBundle> parse_key_bundle(std::string_view text) {
  const Error bad{Code::kDamaged, "no keys as Dealwright wrote them"};
  codec::JsonLimits limits;
  limits.bytes = 2 * kKeysBytesMax;
  const auto value = codec::parse_json(text, limits);
  const auto* map = value ? value.value().as_map() : nullptr;
  const auto* cluster = map == nullptr ? nullptr : find(*map, "cluster_key");
  const auto* api = map == nullptr ? nullptr : find(*map, "api_keys");
  if (cluster == nullptr || api == nullptr || api->as_text() == nullptr) return bad;
  auto secret = parse_base64(cluster->text_or_empty());
  if (!secret || secret.value().size() != kClusterKeyBytes) return bad;
  return KeyBundle{std::move(secret.value()), *api->as_text()};
}

}  // namespace dealwright::daemon
