#include "rules/cel/lexer.h"

#include <charconv>
#include <limits>

namespace dealwright::rules::cel {
namespace {

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

void put_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 63));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 63));
    out += static_cast<char>(0x80 | (c & 63));
  } else {
    out += static_cast<char>(0xf0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 63));
    out += static_cast<char>(0x80 | ((c >> 6) & 63));
    out += static_cast<char>(0x80 | (c & 63));
  }
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_{text} {}

  std::optional<Problem> run(std::vector<Token>& out) {
    for (;;) {
      skip();
      Token token;
      token.begin = at_;
      if (at_ == text_.size()) {
        token.end = at_;
        out.push_back(std::move(token));
        return std::nullopt;
      }
      if (!next(token)) return problem_;
      token.end = at_;
      out.push_back(std::move(token));
    }
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  bool fail(std::size_t begin, std::string message, std::string hint = {}) {
    problem_ = Problem{"DW2008",           begin,           std::min(at_ + 1, text_.size()),
                       std::move(message), std::move(hint), false};
    return false;
  }

  void skip() {
    while (at_ < text_.size()) {
      if (std::string_view{" \t\r\n\f"}.find(peek()) != std::string_view::npos) {
        ++at_;
      } else if (peek() == '/' && peek(1) == '/') {
        while (at_ < text_.size() && peek() != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  bool next(Token& token) {
    if (starts_string()) return string(token);
    if (digit(peek()) || (peek() == '.' && digit(peek(1)))) return number(token);
    if (letter(peek())) return word(token);
    if (peek() == '`') return quoted(token);
    static constexpr std::string_view kPunct[] = {
        "&&", "||", "==", "!=", "<=", ">=", ".?", "[?", "+", "-", "*", "/", "%",
        "!",  "<",  ">",  "?",  ":",  ".",  ",",  "(",  ")", "[", "]", "{", "}"};
    for (const auto punct : kPunct) {
      if (text_.substr(at_, punct.size()) != punct) continue;
      token.kind = TokenKind::kPunct;
      token.text = punct;
      at_ += punct.size();
      return true;
    }
    std::string hint;
    if (peek() == '=') hint = "compare with ==";
    if (peek() == '&') hint = "and is &&";
    if (peek() == '|') hint = "or is ||";
    return fail(at_, "'" + std::string(1, peek()) + "' means nothing here", hint);
  }

  bool word(Token& token) {
    const auto begin = at_;
    while (letter(peek()) || digit(peek())) ++at_;
    const auto text = text_.substr(begin, at_ - begin);
    token.kind = TokenKind::kLiteral;
    if (text == "true") {
      token.literal = true;
    } else if (text == "false") {
      token.literal = false;
    } else if (text == "null") {
      token.literal = Null{};
    } else if (text == "in") {
      token.kind = TokenKind::kPunct;
      token.text = text;
    } else {
      token.kind = TokenKind::kIdent;
      token.text = text;
    }
    return true;
  }

  bool quoted(Token& token) {
    const auto begin = at_++;
    while (at_ < text_.size() && peek() != '`') ++at_;
    if (at_ == text_.size()) return fail(begin, "a name in backquotes has no end");
    token.kind = TokenKind::kQuotedIdent;
    token.text = text_.substr(begin + 1, at_ - begin - 1);
    ++at_;
    return true;
  }

  bool number(Token& token) {
    token.kind = TokenKind::kLiteral;
    const auto begin = at_;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
      at_ += 2;
      const auto digits = at_;
      while (digit(peek()) || (peek() >= 'a' && peek() <= 'f') || (peek() >= 'A' && peek() <= 'F'))
        ++at_;
      return integer(token, begin, text_.substr(digits, at_ - digits), 16);
    }
    bool floating = false;
    while (digit(peek())) ++at_;
    if (peek() == '.' && digit(peek(1))) {
      floating = true;
      ++at_;
      while (digit(peek())) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
      if (digit(peek(sign))) {
        floating = true;
        at_ += sign;
        while (digit(peek())) ++at_;
      }
    }
    const auto text = text_.substr(begin, at_ - begin);
    if (!floating) return integer(token, begin, text, 10);
    double value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec == std::errc::result_out_of_range) {
      value =
          text.find("e-") != std::string_view::npos ? 0.0 : std::numeric_limits<double>::infinity();
    }
    token.literal = value;
    return true;
  }

  bool integer(Token& token, std::size_t begin, std::string_view digits, int base) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    const bool is_unsigned = peek() == 'u' || peek() == 'U';
    if (is_unsigned) ++at_;
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size())
      return fail(begin, "the integer is too large");
    if (letter(peek()))
      return fail(begin, "a number runs into a name", "write durations as days(3), hours(2)");
    if (is_unsigned) {
      token.literal = value;
    } else if (value == std::uint64_t{1} << 63) {
      token.min_int = true;
      token.literal = std::numeric_limits<std::int64_t>::min();
    } else if (value > std::uint64_t{1} << 63) {
      return fail(begin, "the integer is too large");
    } else {
      token.literal = static_cast<std::int64_t>(value);
    }
    return true;
  }

  bool starts_string() const {
    std::size_t i = 0;
    while (i < 2 && std::string_view{"rRbB"}.find(peek(i)) != std::string_view::npos &&
           peek(i) != '\0')
      ++i;
    return peek(i) == '"' || peek(i) == '\'';
  }

  bool string(Token& token) {
    const auto begin = at_;
    bool raw = false, bytes = false;
    for (; peek() != '"' && peek() != '\''; ++at_) {
      if (peek() == 'r' || peek() == 'R')
        raw = true;
      else
        bytes = true;
    }
    const char quote = peek();
    const std::string triple(3, quote);
    const bool long_form = text_.substr(at_, 3) == triple;
    at_ += long_form ? 3 : 1;
    std::string out;
    for (;;) {
      if (at_ >= text_.size())
        return fail(begin, "a string has no end", "close it with " + std::string(1, quote));
      if (long_form ? text_.substr(at_, 3) == triple : peek() == quote) break;
      if (!long_form && (peek() == '\n' || peek() == '\r'))
        return fail(begin, "a string has no end on its line");
      if (peek() == '\\' && !raw) {
        if (!escape(out, bytes)) return false;
      } else {
        out += text_[at_++];
      }
    }
    at_ += long_form ? 3 : 1;
    token.kind = TokenKind::kLiteral;
    if (bytes) {
      token.literal = Bytes{std::move(out)};
    } else {
      token.literal = std::move(out);
    }
    return true;
  }

  bool escape(std::string& out, bool bytes) {
    const auto begin = at_++;
    const char c = peek();
    ++at_;
    static constexpr std::string_view kFrom = "abfnrtv\\\"'`?";
    static constexpr std::string_view kTo = "\a\b\f\n\r\t\v\\\"'`?";
    if (const auto i = kFrom.find(c); i != std::string_view::npos && c != '\0') {
      out += kTo[i];
      return true;
    }
    int count = 0, base = 16;
    if (c == 'x' || c == 'X') count = 2;
    if (c == 'u' && !bytes) count = 4;
    if (c == 'U' && !bytes) count = 8;
    if (c >= '0' && c <= '3') {
      --at_;
      count = 3;
      base = 8;
    }
    if (count == 0) return fail(begin, "no such escape", "write \\\\ for a backslash");
    const auto digits = text_.substr(at_, static_cast<std::size_t>(count));
    std::uint32_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (read.ec != std::errc{} || digits.size() != static_cast<std::size_t>(count) ||
        read.ptr != digits.data() + count) {
      return fail(begin, "an escape is cut short");
    }
    at_ += static_cast<std::size_t>(count);
    if (bytes) {
      out += static_cast<char>(value);
      return true;
    }
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
      return fail(begin, "no such character");
    put_utf8(out, value);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<Problem> problem_;
};

}  // namespace

std::optional<Problem> tokenize(std::string_view text, std::vector<Token>& out) {
  return Lexer{text}.run(out);
}

}  // namespace dealwright::rules::cel
