#include "tests/rules/cel/textproto.h"

#include <charconv>

namespace dealwright::rules::cel {
namespace {

void put_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 63));
    }
    put(0x80 | (c >> 6 & 63));
  }
  put(0x80 | (c & 63));
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_{text} {}

  std::vector<ProtoField> fields(char close) {
    std::vector<ProtoField> out;
    for (;;) {
      skip();
      if (!problem.empty() || at_ >= text_.size()) {
        if (close != '\0') fail("a message has no end");
        return out;
      }
      if (text_[at_] == close) {
        ++at_;
        return out;
      }
      out.push_back(field());
    }
  }

  std::string problem;

 private:
  void fail(std::string what) {
    if (problem.empty()) problem = std::move(what) + " at byte " + std::to_string(at_);
  }
  void skip() {
    while (at_ < text_.size()) {
      if (std::string_view{" \t\r\n,;"}.find(text_[at_]) != std::string_view::npos) {
        ++at_;
      } else if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        return;
      }
    }
  }
  char peek() {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  std::string word() {
    const auto begin = at_;
    while (at_ < text_.size() &&
           std::string_view{" \t\r\n,;:{}#\"'[]"}.find(text_[at_]) == std::string_view::npos) {
      ++at_;
    }
    if (begin == at_) fail("a word is missing"), at_ = text_.size();
    return std::string{text_.substr(begin, at_ - begin)};
  }

  ProtoField field() {
    ProtoField out;
    if (peek() == '[') {  // the type of an Any
      const auto end = text_.find(']', at_);
      if (end == std::string_view::npos) return fail("[ without ]"), at_ = text_.size(), out;
      out.name = text_.substr(at_, end + 1 - at_);
      at_ = end + 1;
    } else {
      out.name = word();
    }
    if (peek() == ':') ++at_;
    const char c = peek();
    if (c == '{') {
      ++at_;
      out.message = true;
      out.fields = fields('}');
    } else if (c == '"' || c == '\'') {
      while (peek() == '"' || peek() == '\'') string(out.text);
    } else {
      out.text = word();
    }
    return out;
  }

  void string(std::string& out) {
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] != '\\') {
        out += text_[at_++];
      } else {
        ++at_;
        escape(out);
      }
    }
    if (at_ >= text_.size()) return fail("a string has no end");
    ++at_;
  }

  std::uint32_t digits(std::size_t most, int base) {
    std::uint32_t value = 0;
    const auto part = text_.substr(at_, most);
    const auto read = std::from_chars(part.data(), part.data() + part.size(), value, base);
    if (read.ec != std::errc{}) fail("an escape is cut short");
    at_ += static_cast<std::size_t>(read.ptr - part.data());
    return value;
  }

  void escape(std::string& out) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    static constexpr std::string_view kFrom = "abfnrtv\\\"'?";
    static constexpr std::string_view kTo = "\a\b\f\n\r\t\v\\\"'?";
    if (const auto i = kFrom.find(c); i != std::string_view::npos) {
      ++at_;
      out += kTo[i];
    } else if (c >= '0' && c <= '7') {
      out += static_cast<char>(digits(3, 8));
    } else if (c == 'x' || c == 'X') {
      ++at_;
      out += static_cast<char>(digits(2, 16));
    } else if (c == 'u' || c == 'U') {
      ++at_;
      put_utf8(out, digits(c == 'u' ? 4 : 8, 16));
    } else {
      fail("no such escape");
      at_ = text_.size();
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const ProtoField* ProtoField::find(std::string_view wanted) const {
  for (const auto& field : fields) {
    if (field.name == wanted) return &field;
  }
  return nullptr;
}

std::vector<const ProtoField*> ProtoField::all(std::string_view wanted) const {
  std::vector<const ProtoField*> out;
  for (const auto& field : fields) {
    if (field.name == wanted) out.push_back(&field);
  }
  return out;
}

std::string ProtoField::text_of(std::string_view wanted) const {
  const auto* field = find(wanted);
  return field == nullptr ? std::string{} : field->text;
}

std::vector<ProtoField> read_textproto(std::string_view text, std::string& problem) {
  Reader reader{text};
  auto out = reader.fields('\0');
  problem = reader.problem;
  return out;
}

}  // namespace dealwright::rules::cel
