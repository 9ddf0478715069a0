#include "connectors/daemon/effects_pause.h"

#include "engine/base/value.h"
#include "engine/codec/json.h"

namespace dealwright::daemon {
namespace {

constexpr std::size_t kBytesMax = std::size_t{64} << 10;

std::string path_in(const std::string& data) {
  return data + "/" + std::string{kEffectsPausedFile};
}

}  // namespace

Result<void> write_effects_pause(FileSystem& files, const std::string& data,
                                 const EffectsPause& pause) {
  const Value value{Map{{"reason", Value{pause.reason}}, {"since", Value{to_text(pause.since)}}}};
  return write_durable(files, path_in(data), to_json(value) + "\n");
}

Result<std::optional<EffectsPause>> read_effects_pause(FileSystem& files, const std::string& data) {
  const auto path = path_in(data);
  DW_TRY(const bool there, files.exists(path));
  if (!there) return std::optional<EffectsPause>{};
  EffectsPause out{path + " cannot be understood", Instant{}};
  const auto text = read_whole(files, path, kBytesMax);
  const auto value = text ? codec::parse_json(text.value()) : Result<Value>{text.error()};
  const auto* map = value ? value.value().as_map() : nullptr;
  if (map == nullptr) return std::optional{std::move(out)};
  if (const auto* reason = find(*map, "reason")) out.reason = reason->text_or_empty();
  if (const auto* since = find(*map, "since")) {
    const auto at = parse_instant_lenient(since->text_or_empty());
    if (at) out.since = at.value();
  }
  return std::optional{std::move(out)};
}

Result<void> remove_effects_pause(FileSystem& files, const std::string& data) {
  DW_TRY(const bool there, files.exists(path_in(data)));
  if (there) {
    DW_TRY(files.remove(path_in(data)));
  }
  return files.sync_directory(data);
}

}  // namespace dealwright::daemon
