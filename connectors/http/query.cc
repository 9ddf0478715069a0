#include "connectors/http/query.h"

#include "connectors/http/text.h"
#include "engine/base/hash.h"

namespace dealwright::http {
namespace {

constexpr std::size_t kPairsMax = 100;
constexpr std::size_t kCursorBytesMax = 4'096;

std::string four_bytes(std::uint32_t number) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((number >> shift) & 0xff);
  return out;
}

}  // namespace

Result<Query> Query::parse(std::string_view text) {
  Query out;
  if (text.empty()) return out;
  for (const auto part : split(text, '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional{std::string{}}
                                                  : percent_decode(part.substr(equals + 1), true);
    if (!name || !value)
      return Error{Code::kInvalid, "the query holds a bad escape, a control character or no UTF-8"};
    if (out.pairs_.size() == kPairsMax)
      return Error{Code::kInvalid, "the query has more than 100 parameters"};
    out.pairs_.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

const std::string* Query::find(std::string_view name) const {
  for (const auto& pair : pairs_) {
    if (pair.first == name) return &pair.second;
  }
  return nullptr;
}
std::string_view Query::get(std::string_view name, std::string_view otherwise) const {
  const auto* found = find(name);
  return found == nullptr ? otherwise : std::string_view{*found};
}
std::size_t Query::count(std::string_view name) const {
  std::size_t out = 0;
  for (const auto& pair : pairs_) out += pair.first == name ? 1 : 0;
  return out;
}
std::string Query::with(std::string_view name, std::string_view value) const {
  std::string out;
  const auto put = [&](std::string_view key, std::string_view text) {
    if (!out.empty()) out += '&';
    out += percent_encode(key) + '=' + percent_encode(text);
  };
  for (const auto& [key, text] : pairs_) {
    if (key != name) put(key, text);
  }
  put(name, value);
  return out;
}

std::string make_cursor(std::string_view list, std::string_view place) {
  const std::string inner{place};
  return base64url(four_bytes(crc32c(place, crc32c(list))) + inner);
}

Result<std::string> read_cursor(std::string_view list, std::string_view cursor) {
  const Error bad{Code::kInvalid, "that cursor is not one of this list's; begin without one"};
  if (cursor.size() > kCursorBytesMax) return bad;
  const auto bytes = base64url_decode(cursor);
  if (!bytes || bytes->size() < 4) return bad;
  auto place = bytes->substr(4);
  if (bytes->substr(0, 4) != four_bytes(crc32c(place, crc32c(list)))) return bad;
  return place;
}

}  // namespace dealwright::http
