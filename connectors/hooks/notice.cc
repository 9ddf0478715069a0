#include "connectors/hooks/notice.h"

#include <charconv>
#include <cmath>

#include "engine/base/hash.h"
#include "engine/base/id.h"
#include "engine/base/utf8.h"

namespace dealwright::hooks {
namespace {

constexpr std::size_t kIdKept = 150;    // with room for a hash and the number of an event
constexpr std::size_t kIdWanted = 190;  // ids up to here stay as they are
constexpr std::int64_t kSecondsBelow = 100'000'000'000;  // as milliseconds that is March 1973

Instant from_number(std::int64_t number) {
  return {number > -kSecondsBelow && number < kSecondsBelow ? number * 1000 : number};
}

bool sound(Instant at) { return at >= kInstantMin && at <= kInstantMax; }

}  // namespace

std::string sound_id(std::string id) {
  if (id.size() <= kIdWanted && is_id(id)) return id;
  const auto hash = short_hash(id);
  id.resize(is_utf8(id) ? utf8_end(id, kIdKept) : 0);
  for (auto& c : id) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
  }
  id += ":" + hash;
  return is_id(id) ? id : "sha256:" + hash;
}

std::string sound_word(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 60)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-';
    out.push_back(plain ? c : '_');
  }
  return out.empty() ? "unknown" : out;
}

std::string scalar_text(const Value& value) {
  if (const auto* text = value.as_text()) return *text;
  if (const auto* flag = value.as_bool()) return *flag ? "true" : "false";
  if (const auto* whole = value.as_int()) return std::to_string(*whole);
  if (const auto* real = value.as_double()) {
    char buffer[400];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, *real, std::chars_format::fixed);
    return end.ec == std::errc{} ? std::string{buffer, end.ptr} : std::string{};
  }
  return {};
}

std::string member_text(const Map& map, std::string_view name) {
  const auto* value = find(map, name);
  return value == nullptr ? std::string{} : scalar_text(*value);
}

std::optional<Instant> instant_of(const Value& value) {
  if (const auto* number = value.as_int()) {
    const auto at = from_number(*number);
    return sound(at) ? std::optional{at} : std::nullopt;
  }
  if (const auto* real = value.as_double()) {  // seconds with a fraction, or milliseconds
    if (!(std::abs(*real) < 1e15)) return std::nullopt;
    const bool in_seconds = std::abs(*real) < static_cast<double>(kSecondsBelow);
    const Instant at{std::llround(in_seconds ? *real * 1000 : *real)};
    return sound(at) ? std::optional{at} : std::nullopt;
  }
  const auto* text = value.as_text();
  if (text == nullptr) return std::nullopt;
  std::int64_t number = 0;
  const auto* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, number);
  if (parsed.ec == std::errc{} && parsed.ptr == end && text->size() >= 9) {
    const auto at = from_number(number);
    return sound(at) ? std::optional{at} : std::nullopt;
  }
  auto at = parse_instant_lenient(*text);
  return at && sound(at.value()) ? std::optional{at.value()} : std::nullopt;
}

std::string short_hash(std::string_view bytes) { return hex(sha256(bytes)).substr(0, 16); }

}  // namespace dealwright::hooks
