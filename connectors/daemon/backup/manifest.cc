#include "connectors/daemon/backup/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/base/value.h"
#include "engine/codec/json.h"

namespace dealwright::daemon {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::size_t kManifestBytesMax = std::size_t{64} << 20;
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr std::string_view kChecksum = "checksum";

Value number(std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; }

Map to_map(const Manifest& manifest) {
  List partitions, files;
  for (const auto& p : manifest.partitions) {
    partitions.emplace_back(Map{{"events", number(p.events)},
                                {"decisions", number(p.decisions)},
                                {"frames", number(p.frames)},
                                {"link", number(p.link)},
                                {"last_decision", Value{hex(p.last_decision)}}});
  }
  for (const auto& file : manifest.files) {
    files.emplace_back(Map{{"path", Value{file.path}},
                           {"bytes", number(file.bytes)},
                           {"sha256", Value{hex(file.hash)}}});
  }
  return Map{
      {"format", Value{kFormat}},
      {"version", Value{manifest.version}},
      {"state_version", number(manifest.state_version)},
      {"workspace", Value{manifest.workspace}},
      {"log_id", Value{fmt::format("{:016x}{:016x}", manifest.log_id.high, manifest.log_id.low)}},
      {"cluster_key", Value{manifest.cluster_key}},
      {"created", Value{to_text(manifest.created)}},
      {"partitions", Value{std::move(partitions)}},
      {"files", Value{std::move(files)}}};
}

// Members of one object; what is missing or of another kind is remembered.
class Members {
 public:
  explicit Members(const Value& value) : map_{value.as_map()} { whole_ = map_ != nullptr; }
  bool whole() const { return whole_; }

  const Value* any(std::string_view name) {
    const auto* found = map_ == nullptr ? nullptr : find(*map_, name);
    whole_ = whole_ && found != nullptr;
    return found;
  }
  std::string text(std::string_view name) {
    const auto* value = any(name);
    const auto* text = value == nullptr ? nullptr : value->as_text();
    whole_ = whole_ && text != nullptr;
    return text == nullptr ? std::string{} : *text;
  }
  std::uint64_t count(std::string_view name) {
    const auto* value = any(name);
    const auto* count = value == nullptr ? nullptr : value->as_int();
    whole_ = whole_ && count != nullptr && *count >= 0;
    return count == nullptr ? 0 : static_cast<std::uint64_t>(*count);
  }
  Sha256 hash(std::string_view name) {
    const auto found = sha256_of_hex(text(name));
    whole_ = whole_ && found.has_value();
    return found.value_or(Sha256{});
  }
  Instant instant(std::string_view name) {
    const auto found = parse_instant_lenient(text(name));
    whole_ = whole_ && found.has_value();
    return found ? found.value() : Instant{};
  }
  Hash128 id(std::string_view name) {
    const auto digits = text(name);
    Hash128 out;
    const auto word = [&](std::size_t from, std::uint64_t& to) {
      const auto* begin = digits.data() + from;
      const auto [stop, bad] = std::from_chars(begin, begin + 16, to, 16);
      return bad == std::errc{} && stop == begin + 16;
    };
    whole_ = whole_ && digits.size() == 32 && word(0, out.high) && word(16, out.low);
    return out;
  }
  const List& list(std::string_view name) {
    static const List kNone;
    const auto* value = any(name);
    const auto* list = value == nullptr ? nullptr : value->as_list();
    whole_ = whole_ && list != nullptr;
    return list == nullptr ? kNone : *list;
  }

 private:
  const Map* map_;
  bool whole_ = false;
};

// A path that stays below the folder it is put in.
bool stays_below(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\0') != std::string_view::npos) {
    return false;
  }
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    const auto name = path.substr(0, end);
    if (name.empty() || name == "." || name == "..") return false;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return true;
}

Result<Manifest> read_members(const Value& value) {
  Members in{value};
  Manifest out;
  out.version = in.text("version");
  out.state_version = static_cast<std::uint32_t>(in.count("state_version"));
  out.workspace = in.text("workspace");
  out.log_id = in.id("log_id");
  out.cluster_key = in.text("cluster_key");
  out.created = in.instant("created");
  bool whole = true;
  for (const auto& one : in.list("partitions")) {
    Members p{one};
    out.partitions.push_back({p.count("events"), p.count("decisions"), p.count("frames"),
                              static_cast<std::uint32_t>(p.count("link")),
                              p.hash("last_decision")});
    whole = whole && p.whole();
  }
  for (const auto& one : in.list("files")) {
    Members file{one};
    out.files.push_back({file.text("path"), file.count("bytes"), file.hash("sha256")});
    whole = whole && file.whole() && stays_below(out.files.back().path);
  }
  if (!whole || !in.whole() || out.partitions.empty()) {
    return Error{Code::kDamaged, "not as Dealwright wrote it"};
  }
  return out;
}

}  // namespace

std::uint64_t Manifest::bytes() const {
  std::uint64_t out = 0;
  for (const auto& file : files) out += file.bytes;
  return out;
}

const BackupFile* Manifest::find(std::string_view path) const {
  const auto at = std::find_if(files.begin(), files.end(),
                               [&](const BackupFile& file) { return file.path == path; });
  return at == files.end() ? nullptr : &*at;
}

std::string to_text(const Manifest& manifest) {
  auto map = to_map(manifest);
  const auto checksum = hex(sha256(to_json(Value{map})));
  map.emplace_back(std::string{kChecksum}, Value{checksum});
  return to_json(Value{std::move(map)}) + "\n";
}

Result<Manifest> parse_manifest(std::string_view text) {
  codec::JsonLimits limits;
  limits.bytes = kManifestBytesMax;
  limits.values = 10'000'000;
  const auto value = codec::parse_json(text, limits);
  const auto* map = value ? value.value().as_map() : nullptr;
  if (map == nullptr) return Error{Code::kDamaged, "no JSON object"};
  if (const auto* format = find(*map, "format");
      format != nullptr && format->as_int() != nullptr && *format->as_int() > kFormat) {
    return Error{Code::kUnsupported,
                 fmt::format("backup format {}, this build reads {}", *format->as_int(), kFormat)};
  }
  Map rest;
  std::string checksum;
  for (const auto& [name, member] : *map) {
    if (name == kChecksum) {
      checksum = member.text_or_empty();
    } else {
      rest.emplace_back(name, member);
    }
  }
  const Value without{std::move(rest)};
  if (hex(sha256(to_json(without))) != checksum) return Error{Code::kDamaged, "bad checksum"};
  return read_members(without);
}

Result<Manifest> read_manifest(FileSystem& files, const std::string& folder) {
  const auto path = folder + "/" + std::string{kManifestFile};
  auto text = read_whole(files, path, kManifestBytesMax);
  if (!text && text.error().code == Code::kNotFound) {
    return Error{Code::kNotFound, fmt::format("{} holds no backup: it has no {}, which is written "
                                              "when all else is there",
                                              folder, kManifestFile)};
  }
  DW_TRY(const auto bytes, std::move(text));
  auto manifest = parse_manifest(bytes);
  if (!manifest) return Error{manifest.error().code, path + ": " + manifest.error().detail};
  return manifest;
}

Result<Sha256> read_pieces(const File& file, const std::string& path, std::uint64_t bytes,
                           const TakePiece& take) {
  Sha256Stream hash;
  std::string piece(std::min<std::uint64_t>(kPieceBytes, bytes), '\0');
  for (std::uint64_t at = 0; at < bytes;) {
    const auto want = std::min<std::uint64_t>(piece.size(), bytes - at);
    DW_TRY(const auto count, file.read_at(at, want, piece.data()));
    if (count < want) {
      return Error{Code::kDamaged,
                   fmt::format("{} ends at byte {}; it had {}", path, at + count, bytes)};
    }
    const auto got = std::string_view{piece}.substr(0, count);
    hash.update(got);
    if (take) {
      DW_TRY(take(at, got));
    }
    at += count;
  }
  return hash.finish();
}

std::string key_id(std::string_view secret) {
  const auto digest = sha256(secret);
  return hex(std::span{digest}.first(8));
}

}  // namespace dealwright::daemon
