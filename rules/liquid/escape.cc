#include "rules/liquid/escape.h"

#include <algorithm>

namespace dealwright::rules::liquid {
namespace {

bool begins(std::string_view text, std::string_view with) {  // REQUIRES: `with` in small letters
  return text.size() >= with.size() &&
         std::equal(with.begin(), with.end(), text.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b | 0x20) : b);
         });
}

// Markup between quotes: its references stay, but nothing ends the attribute.
void append_markup_in_quotes(std::string& out, std::string_view html) {
  for (const char c : html) {
    if (c == '&') {
      out += c;
    } else {
      append_escaped(out, std::string_view{&c, 1});
    }
  }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

void append_url_part(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    const bool plain = (u >= '0' && u <= '9') || ((u | 0x20U) >= 'a' && (u | 0x20U) <= 'z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain && u < 0x80) {
      out += c;
    } else {
      out += '%';
      out += kHex[u >> 4];
      out += kHex[u & 15U];
    }
  }
}

// A link to this machine itself is for trying things out: it leads nobody else anywhere.
bool is_safe_url(std::string_view url) {
  return begins(url, "https://") || begins(url, "mailto:") || begins(url, "http://127.0.0.1:");
}

std::optional<std::string> write_at(Spot spot, std::string_view value, bool markup,
                                    std::string& out) {
  switch (spot) {
    case Spot::kPlain:
      out += value;
      return std::nullopt;
    case Spot::kHeader:
      if (value.find_first_of(std::string_view{"\r\n\0", 3}) != std::string_view::npos)
        return "a header cannot hold a line break";
      out += value;
      return std::nullopt;
    case Spot::kText:
      if (markup) {
        out += value;
      } else {
        append_escaped(out, value);
      }
      return std::nullopt;
    case Spot::kAttribute:
      if (markup) {
        append_markup_in_quotes(out, value);
      } else {
        append_escaped(out, value);
      }
      return std::nullopt;
    case Spot::kUrlBegin:
      if (!is_safe_url(value)) return "a link begins with https:// or mailto:";
      append_escaped(out, value);
      return std::nullopt;
    case Spot::kUrlPart:
      append_url_part(out, value);
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace dealwright::rules::liquid
