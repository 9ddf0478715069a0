// Filters on texts.
#include <algorithm>

#include "rules/liquid/filters.h"

namespace dealwright::rules::liquid {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }

// Upper or lower case of ASCII and of the Latin letters of two bytes that differ by one bit there.
std::string with_case(std::string_view text, bool upper, std::size_t only_first) {
  std::string out{text};
  std::size_t n = 0;
  for (std::size_t i = 0; i < out.size() && n < only_first; ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    if ((c & 0xc0) != 0x80) ++n;
    if (c >= (upper ? 'a' : 'A') && c <= (upper ? 'z' : 'Z')) {
      out[i] = static_cast<char>(c ^ 0x20);
    } else if (c == 0xc3 && i + 1 < out.size()) {  // U+00C0..U+00FE but the signs and U+00DF
      const auto low = static_cast<unsigned char>(out[i + 1]);
      const bool letter = low != 0x97 && low != 0xb7 && low != 0x9f && low != 0xbf;
      if (letter && (upper ? low >= 0xa0 : low < 0xa0)) out[i + 1] = static_cast<char>(low ^ 0x20);
    }
  }
  return out;
}

constexpr auto kAll = ~std::size_t{0};

Result<Datum> upcase(const Call& c) { return checked(with_case(print(c.value), true, kAll)); }
Result<Datum> downcase(const Call& c) { return checked(with_case(print(c.value), false, kAll)); }
Result<Datum> capitalize(const Call& c) {
  return checked(with_case(with_case(print(c.value), false, kAll), true, 1));
}
Result<Datum> append(const Call& c) { return checked(print(c.value) + print(c.arguments[0])); }
Result<Datum> prepend(const Call& c) { return checked(print(c.arguments[0]) + print(c.value)); }

Result<Datum> stripped(const Call& c, bool left, bool right) {
  std::string scratch;
  auto text = to_text(c.value, scratch);
  while (left && !text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (right && !text.empty() && is_space(text.back())) text.remove_suffix(1);
  return checked(std::string{text});
}
Result<Datum> strip(const Call& c) { return stripped(c, true, true); }
Result<Datum> lstrip(const Call& c) { return stripped(c, true, false); }
Result<Datum> rstrip(const Call& c) { return stripped(c, false, true); }

Result<Datum> strip_newlines(const Call& c) {
  auto text = print(c.value);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n'))
      continue;
    out += text[i];
  }
  return checked(std::move(out));
}

// Every place, the first or the last. An empty text stands between all code points.
Result<Datum> replaced_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (std::size_t at = 0; out.size() <= kOutputBytesMax;) {
    const auto next = from.empty() ? std::min(at, text.size()) : text.find(from, at);
    if (next == std::string_view::npos) {
      out += text.substr(at);
      break;
    }
    out += text.substr(at, next - at);
    out += to;
    at = next + from.size();
    if (!from.empty()) continue;
    if (at == text.size()) break;
    const auto width = point_at(text.substr(at), 1);
    out += text.substr(at, width);
    at += width;
  }
  return checked(std::move(out));
}
Result<Datum> replaced_at(std::string text, std::size_t at, std::size_t size, std::string_view to) {
  if (at != std::string::npos) text.replace(at, size, to);
  return checked(std::move(text));
}

std::string argument(const Call& c, std::size_t i) {
  return i < c.arguments.size() ? print(c.arguments[i]) : std::string{};
}
Result<Datum> replace(const Call& c) {
  return replaced_all(print(c.value), argument(c, 0), argument(c, 1));
}
Result<Datum> replace_first(const Call& c) {
  auto text = print(c.value);
  const auto from = argument(c, 0);
  const auto at = text.find(from);
  return replaced_at(std::move(text), at, from.size(), argument(c, 1));
}
Result<Datum> replace_last(const Call& c) {
  auto text = print(c.value);
  const auto from = argument(c, 0);
  const auto at = text.rfind(from);
  return replaced_at(std::move(text), at, from.size(), argument(c, 1));
}
Result<Datum> remove(const Call& c) {
  const auto from = argument(c, 0);
  return from.empty() ? checked(print(c.value)) : replaced_all(print(c.value), from, {});
}

Result<Datum> truncate(const Call& c) {
  const auto limit =
      c.arguments.empty() ? std::optional<std::int64_t>{50} : to_integer(c.arguments[0]);
  if (!limit) return Error{Code::kInvalid, "truncate: the length is no whole number"};
  const auto text = print(c.value);
  const auto end = c.arguments.size() > 1 ? print(c.arguments[1]) : std::string{"..."};
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(0, *limit));
  if (code_points(text) <= most) return checked(text);
  const auto tail = code_points(end);
  return checked(text.substr(0, point_at(text, most > tail ? most - tail : 0)) + end);
}

Result<Datum> truncatewords(const Call& c) {
  const auto limit =
      c.arguments.empty() ? std::optional<std::int64_t>{15} : to_integer(c.arguments[0]);
  if (!limit) return Error{Code::kInvalid, "truncatewords: the count is no whole number"};
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, *limit));
  const auto text = print(c.value);
  std::string out;
  std::size_t words = 0;
  for (std::size_t i = 0; i < text.size();) {
    while (i < text.size() && is_space(text[i])) ++i;
    const auto begin = i;
    while (i < text.size() && !is_space(text[i])) ++i;
    if (begin == i) break;
    if (++words > most)
      return checked(out + (c.arguments.size() > 1 ? print(c.arguments[1]) : "..."));
    if (!out.empty()) out += ' ';
    out += text.substr(begin, i - begin);
  }
  return checked(text);
}

Result<Datum> split(const Call& c) {
  const auto text = print(c.value);
  const auto by = print(c.arguments[0]);
  Items out;
  const auto add = [&](std::size_t from, std::size_t end) {
    out.emplace_back(Value{text.substr(from, end - from)});
    return c.budget.spend(1);
  };
  bool sound = true;
  std::size_t at = 0;
  if (by == " ") {
    while (sound && at < text.size()) {
      while (at < text.size() && is_space(text[at])) ++at;
      const auto begin = at;
      while (at < text.size() && !is_space(text[at])) ++at;
      if (at > begin) sound = add(begin, at);
    }
  } else {
    while (sound && at < text.size()) {
      auto end =
          by.empty() ? at + point_at(std::string_view{text}.substr(at), 1) : text.find(by, at);
      end = std::min(end, text.size());
      sound = add(at, end);
      at = end + by.size();
    }
    while (!out.empty() && text_of(out.back())->empty()) out.pop_back();
  }
  if (!sound) return Error{Code::kInvalid, "split: too many parts"};
  return checked(std::move(out), c);
}

Result<Datum> slice(const Call& c) {
  const auto from = to_integer(c.arguments[0]);
  auto length = std::optional<std::int64_t>{1};
  if (c.arguments.size() > 1 && !c.arguments[1].absent()) length = to_integer(c.arguments[1]);
  if (!from || !length) return Error{Code::kInvalid, "slice: place and length are whole numbers"};
  const bool list = is_list(c.value);
  std::string scratch;
  const auto text = list ? std::string_view{} : to_text(c.value, scratch);
  const auto size = static_cast<std::int64_t>(list ? count(c.value) : code_points(text));
  const auto begin = *from < 0 ? *from + size : *from;
  const bool nothing = begin < 0 || begin > size || *length < 0;
  const auto most = nothing ? 0 : std::min(*length, size - begin);
  if (!list) {
    if (most == 0) return Datum{Value{""}};
    const auto at = point_at(text, static_cast<std::size_t>(begin));
    const auto rest = text.substr(at);
    return checked(std::string{rest.substr(0, point_at(rest, static_cast<std::size_t>(most)))});
  }
  if (!c.budget.spend(static_cast<std::size_t>(most)))
    return Error{Code::kInvalid, "slice: too many elements"};
  Items out;
  for (std::int64_t i = 0; i < most; ++i)
    out.push_back(element(c.value, static_cast<std::size_t>(begin + i)));
  return checked(std::move(out), c);
}

}  // namespace

std::span<const Filter> text_filters() {
  static constexpr Filter kTable[] = {
      {"append", 1, 1, append},
      {"capitalize", 0, 0, capitalize},
      {"downcase", 0, 0, downcase},
      {"lstrip", 0, 0, lstrip},
      {"prepend", 1, 1, prepend},
      {"remove", 1, 1, remove},
      {"remove_first", 1, 1, replace_first},
      {"remove_last", 1, 1, replace_last},
      {"replace", 1, 2, replace},
      {"replace_first", 1, 2, replace_first},
      {"replace_last", 2, 2, replace_last},
      {"rstrip", 0, 0, rstrip},
      {"slice", 1, 2, slice},
      {"split", 1, 1, split},
      {"strip", 0, 0, strip},
      {"strip_newlines", 0, 0, strip_newlines},
      {"truncate", 0, 2, truncate},
      {"truncatewords", 0, 2, truncatewords},
      {"upcase", 0, 0, upcase},
  };
  return kTable;
}

}  // namespace dealwright::rules::liquid
