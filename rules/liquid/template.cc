#include "rules/liquid/template.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "rules/check/diagnostic.h"

namespace dealwright::rules::liquid {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// One `{{ ... }}`; offsets count from the whole text.
class OutputParser {
 public:
  OutputParser(std::string_view text, std::size_t begin, std::size_t end, Template& out)
      : text_{text.substr(0, end)}, at_{begin}, out_{out} {}

  std::optional<ParseError> parse(Output& output) {
    if (auto error = operand(output.operand)) return error;
    for (skip(); at_ < text_.size(); skip()) {
      if (text_[at_] != '|') return fail("expected '|' or '}}'");
      ++at_;
      if (auto error = filter(output)) return error;
    }
    return std::nullopt;
  }

 private:
  ParseError fail(std::string message, std::string hint = {}) const {
    return {at_, std::move(message), std::move(hint)};
  }
  void skip() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  std::string_view word() {
    const auto begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::optional<ParseError> operand(Operand& out) {
    skip();
    if (at_ == text_.size()) return fail("a value is missing");
    const char c = text_[at_];
    if (c == '"' || c == '\'') {
      const auto end = text_.find(c, at_ + 1);
      if (end == std::string_view::npos) return fail("the text has no closing quote");
      out.literal = Value{text_.substr(at_ + 1, end - at_ - 1)};
      at_ = end + 1;
      return std::nullopt;
    }
    if ((c >= '0' && c <= '9') || c == '-') return number(out);
    const auto begin = at_;
    while (at_ < text_.size() && (is_word(text_[at_]) || text_[at_] == '.')) ++at_;
    const auto path = text_.substr(begin, at_ - begin);
    if (path.empty() || path.ends_with('.') || path.find("..") != std::string_view::npos) {
      at_ = begin;
      return fail("a path such as contact.name is missing");
    }
    out.path = out_.paths.size();
    out_.paths.push_back({std::string{path}, begin});
    return std::nullopt;
  }

  std::optional<ParseError> number(Operand& out) {
    const auto* begin = text_.data() + at_;
    const auto* end = text_.data() + text_.size();
    std::int64_t whole = 0;
    const auto as_int = std::from_chars(begin, end, whole);
    if (as_int.ec == std::errc{} && (as_int.ptr == end || *as_int.ptr != '.')) {
      out.literal = Value{whole};
      at_ += static_cast<std::size_t>(as_int.ptr - begin);
      return std::nullopt;
    }
    double fraction = 0;
    const auto as_double = std::from_chars(begin, end, fraction);
    if (as_double.ec != std::errc{}) return fail("no number");
    out.literal = Value{fraction};
    at_ += static_cast<std::size_t>(as_double.ptr - begin);
    return std::nullopt;
  }

  std::optional<ParseError> filter(Output& output) {
    skip();
    const auto begin = at_;
    const auto name = word();
    const auto& all = filters();
    const auto it =
        std::find_if(all.begin(), all.end(), [&](const Filter& f) { return f.name == name; });
    if (it == all.end()) {
      std::vector<std::string_view> names;
      for (const auto& f : all) names.push_back(f.name);
      return ParseError{begin, fmt::format("unknown filter '{}'", name), did_you_mean(name, names)};
    }
    FilterCall call{static_cast<std::size_t>(it - all.begin()), {}};
    skip();
    if (at_ < text_.size() && text_[at_] == ':') {
      do {
        ++at_;
        if (auto error = operand(call.arguments.emplace_back())) return error;
        skip();
      } while (at_ < text_.size() && text_[at_] == ',');
    }
    const auto count = call.arguments.size();
    if (count < it->arguments_min || count > it->arguments_max) {
      return ParseError{
          begin,
          fmt::format("'{}' takes {} argument(s), {} given", name,
                      it->arguments_min == it->arguments_max
                          ? std::to_string(it->arguments_min)
                          : fmt::format("{} to {}", it->arguments_min, it->arguments_max),
                      count),
          {}};
    }
    output.filters.push_back(std::move(call));
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t at_;
  Template& out_;
};

// Where the output that begins before `from` ends: the next `}}` outside quotes.
std::size_t closing(std::string_view text, std::size_t from) {
  char quote = 0;
  for (auto at = from; at + 1 < text.size(); ++at) {
    if (quote != 0) {
      if (text[at] == quote) quote = 0;
    } else if (text[at] == '"' || text[at] == '\'') {
      quote = text[at];
    } else if (text[at] == '}' && text[at + 1] == '}') {
      return at;
    }
  }
  return std::string_view::npos;
}

void trim_end(std::string& text) {
  while (!text.empty() && is_blank(text.back())) text.pop_back();
}

}  // namespace

std::optional<ParseError> parse(std::string_view text, Template& out) {
  out = {};
  std::size_t at = 0;
  bool trim = false;  // the output before ended in -}}
  for (;;) {
    const auto open = text.find("{{", at);
    const auto tag = text.find("{%", at);
    if (tag < open) {
      return ParseError{tag, "a tag '{%' is not part of titles and notices",
                        "Use output such as {{ contact.name }}"};
    }
    std::string before{text.substr(at, open == std::string_view::npos ? open : open - at)};
    if (trim) before.erase(0, std::min(before.find_first_not_of(" \t\r\n"), before.size()));
    if (open == std::string_view::npos) {
      out.parts.push_back({std::move(before), std::nullopt});
      return std::nullopt;
    }
    auto begin = open + 2;
    const auto close = closing(text, begin);
    if (close == std::string_view::npos) {
      return ParseError{open, "'{{' is not closed", "Write }} behind the value"};
    }
    if (begin < close && text[begin] == '-') {
      trim_end(before);
      ++begin;
    }
    trim = close > begin && text[close - 1] == '-';
    Part part{std::move(before), Output{}};
    OutputParser parser{text, begin, trim ? close - 1 : close, out};
    if (auto error = parser.parse(*part.output)) return error;
    out.parts.push_back(std::move(part));
    at = close + 2;
  }
}

std::string render(const Template& text, const Values& values, const Context& context) {
  std::string out;
  const auto get = [&](const Operand& operand) {
    return operand.literal ? *operand.literal : values(operand.path);
  };
  for (const auto& part : text.parts) {
    out += part.text;
    if (part.output) {
      auto value = get(part.output->operand);
      if (value.null()) value = Value{};
      for (const auto& call : part.output->filters) {
        std::vector<Value> arguments;
        for (const auto& argument : call.arguments) arguments.push_back(get(argument));
        const auto& filter = filters()[call.filter];
        if (value.absent() && filter.name != "default") continue;
        value = filter.apply(value, arguments, context);
      }
      out += value.absent() ? "(none)" : print(value);
    }
    if (out.size() > kTextBytesMax) break;
  }
  if (out.size() > kTextBytesMax) {
    auto end = kTextBytesMax;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;
    out.resize(end);
  }
  return out;
}

}  // namespace dealwright::rules::liquid
