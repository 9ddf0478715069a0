#include "connectors/http/accept.h"

#include <vector>

#include "connectors/http/text.h"

namespace dealwright::http {
namespace {

struct Range {
  std::string type;  // lower case; "*" parts as written
  int q = 1000;      // thousandths
};

// 0 to 1 with up to three decimals; -1: anything else.
int parse_q(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5) return -1;
  if (text.size() > 1 && text[1] != '.') return -1;
  int value = text[0] == '1' ? 1000 : 0;
  int unit = 100;
  for (const char c : text.substr(text.size() > 1 ? 2 : 1)) {
    if (!is_digit(c)) return -1;
    value += (c - '0') * unit;
    unit /= 10;
  }
  return value > 1000 ? -1 : value;
}

std::optional<Range> parse_range(std::string_view text) {
  const auto parts = split_quoted(text, ';');
  Range out{media_type(parts[0]), 1000};
  if (out.type.empty()) return std::nullopt;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto part = trim(parts[i]);
    if (part.size() < 2 || lower(part[0]) != 'q' || part[1] != '=') continue;
    out.q = parse_q(part.substr(2));
    if (out.q < 0) return std::nullopt;
  }
  return out;
}

// How closely a range names a type: 3 itself, 2 type/*, 1 */*, 0 not at all.
int closeness(const Range& range, std::string_view type) {
  if (range.type == type) return 3;
  if (range.type == "*/*") return 1;
  const auto slash = range.type.find('/');
  const bool any = std::string_view{range.type}.substr(slash) == "/*";
  return any && type.substr(0, slash + 1) == std::string_view{range.type}.substr(0, slash + 1) ? 2
                                                                                               : 0;
}

}  // namespace

std::string media_type(std::string_view content_type) {
  const auto bare = trim(content_type.substr(0, content_type.find(';')));
  const auto slash = bare.find('/');
  if (slash == std::string_view::npos) return {};
  if (!is_token(bare.substr(0, slash)) || !is_token(bare.substr(slash + 1))) return {};
  return lower(bare);
}

std::optional<std::size_t> negotiate(std::string_view accept,
                                     std::span<const std::string_view> offers) {
  std::vector<Range> ranges;
  for (const auto part : split_quoted(accept, ',')) {
    if (trim(part).empty()) continue;
    auto range = parse_range(part);
    if (!range) return 0;
    ranges.push_back(std::move(*range));
  }
  if (ranges.empty()) return 0;
  std::optional<std::size_t> best;
  int best_q = 0;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    int close = 0;
    int q = 0;
    for (const auto& range : ranges) {
      const int here = closeness(range, offers[i]);
      if (here > close) {
        close = here;
        q = range.q;
      }
    }
    if (q > best_q) {
      best = i;
      best_q = q;
    }
  }
  return best;
}

bool covers(std::string_view entry, std::string_view type) {
  if (entry.ends_with('*')) return type.starts_with(entry.substr(0, entry.size() - 1));
  return entry == type;
}

}  // namespace dealwright::http
