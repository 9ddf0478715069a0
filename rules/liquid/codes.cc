// Filters that code and decode: HTML, URLs, base64.
#include <algorithm>

#include "rules/liquid/escape.h"
#include "rules/liquid/filters.h"

namespace dealwright::rules::liquid {
namespace {

// Escaped by hand, so it is not escaped again where it stands in HTML.
Result<Datum> marked(std::string html, const Call& c) {
  auto text = checked(std::move(html));
  if (!text || !c.html) return text;
  return Datum{Markup{*text_of(text.value())}};
}

Result<Datum> escape(const Call& c) {
  if (c.html && c.value.get<Markup>() != nullptr) return c.value;
  std::string out;
  append_escaped(out, print(c.value));
  return marked(std::move(out), c);
}

// Whether a character reference begins at `at`: &lt; &#39;
bool is_reference(std::string_view text, std::size_t at) {
  auto i = at + 1;
  const bool number = i < text.size() && text[i] == '#';
  if (number) ++i;
  const auto begin = i;
  while (i < text.size() && (number ? (text[i] >= '0' && text[i] <= '9')
                                    : ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z')))
    ++i;
  return i > begin && i < text.size() && text[i] == ';';
}

Result<Datum> escape_once(const Call& c) {
  const auto text = print(c.value);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '&' && is_reference(text, i)) {
      out += '&';
    } else {
      append_escaped(out, std::string_view{text}.substr(i, 1));
    }
  }
  return marked(std::move(out), c);
}

Result<Datum> raw(const Call& c) { return marked(print(c.value), c); }

Result<Datum> newline_to_br(const Call& c) {
  std::string text;
  if (c.html && c.value.get<Markup>() == nullptr) {
    append_escaped(text, print(c.value));
  } else {
    text = print(c.value);
  }
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (text[i] == '\n') out += "<br />";
    out += text[i];
  }
  return marked(std::move(out), c);
}

// Behind the element that begins at `at`, if it is one whose content is no text of the page.
std::optional<std::size_t> behind_hidden(std::string_view text, std::size_t at) {
  struct Hidden {
    std::string_view begin, end;
  };
  static constexpr Hidden kHidden[] = {
      {"<script", "</script>"}, {"<style", "</style>"}, {"<!--", "-->"}};
  for (const auto& hidden : kHidden) {
    if (!text.substr(at).starts_with(hidden.begin)) continue;
    const auto end = text.find(hidden.end, at + hidden.begin.size());
    if (end != std::string_view::npos) return end + hidden.end.size();
  }
  return std::nullopt;
}

Result<Datum> strip_html(const Call& c) {
  const auto text = print(c.value);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '<') {
      out += text[at++];
      continue;
    }
    if (const auto behind = behind_hidden(text, at)) {
      at = *behind;
      continue;
    }
    const auto end = text.find('>', at);
    if (end == std::string::npos) {
      out += text.substr(at);
      break;
    }
    at = end + 1;
  }
  return checked(std::move(out));
}

Result<Datum> url_encode(const Call& c) {
  std::string out;
  for (const char letter : print(c.value)) {
    if (letter == ' ') {
      out += '+';
    } else {
      append_url_part(out, std::string_view{&letter, 1});
    }
  }
  return checked(std::move(out));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Result<Datum> url_decode(const Call& c) {
  const auto text = print(c.value);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return checked(std::move(out));
}

constexpr std::string_view kPlainDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

Result<Datum> encoded(const Call& c, std::string_view digits) {
  const auto text = print(c.value);
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = (bits << 8) | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
    const auto there = std::min<std::size_t>(3, text.size() - i);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= there ? digits[(bits >> (18 - 6 * k)) & 63U] : '=';
  }
  return checked(std::move(out));
}

Result<Datum> decoded(const Call& c, std::string_view digits) {
  auto text = print(c.value);
  while (text.ends_with('=')) text.pop_back();
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char letter : text) {
    const auto digit = digits.find(letter);
    if (digit == std::string_view::npos) return Error{Code::kInvalid, "this is not base64"};
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xffU);
    }
  }
  if (text.size() % 4 == 1) return Error{Code::kInvalid, "this is not base64"};
  return checked(std::move(out));
}

Result<Datum> base64_encode(const Call& c) { return encoded(c, kPlainDigits); }
Result<Datum> base64_decode(const Call& c) { return decoded(c, kPlainDigits); }
Result<Datum> base64_url_safe_encode(const Call& c) { return encoded(c, kUrlDigits); }
Result<Datum> base64_url_safe_decode(const Call& c) { return decoded(c, kUrlDigits); }

}  // namespace

std::span<const Filter> code_filters() {
  static constexpr Filter kTable[] = {
      {"base64_decode", 0, 0, base64_decode},
      {"base64_encode", 0, 0, base64_encode},
      {"base64_url_safe_decode", 0, 0, base64_url_safe_decode},
      {"base64_url_safe_encode", 0, 0, base64_url_safe_encode},
      {"escape", 0, 0, escape},
      {"escape_once", 0, 0, escape_once},
      {"newline_to_br", 0, 0, newline_to_br},
      {"raw", 0, 0, raw},
      {"strip_html", 0, 0, strip_html},
      {"url_decode", 0, 0, url_decode},
      {"url_encode", 0, 0, url_encode},
  };
  return kTable;
}

}  // namespace dealwright::rules::liquid
