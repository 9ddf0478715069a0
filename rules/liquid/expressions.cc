// Values, filters and conditions of a template.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "rules/check/diagnostic.h"
#include "rules/liquid/filters.h"
#include "rules/liquid/parser.h"

namespace dealwright::rules::liquid {
namespace {

constexpr int kDepthMax = 32;  // of brackets in brackets

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '-'; }

Datum number_of(std::string_view text) {
  const auto* end = text.data() + text.size();
  std::int64_t whole = 0;
  const auto parsed = std::from_chars(text.data(), end, whole);
  if (parsed.ec == std::errc{} && parsed.ptr == end) return Value{whole};
  double real = 0;
  std::from_chars(text.data(), end, real);
  return Value{real};
}

}  // namespace

// ---- words

bool Words::fail(std::size_t offset, std::string message, std::string hint) {
  if (!error_) error_ = ParseError{offset, std::move(message), std::move(hint)};
  return false;
}
void Words::skip() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
}
bool Words::done() {
  skip();
  return at_ == text_.size();
}
bool Words::next_is(char c) {
  skip();
  return at_ < text_.size() && text_[at_] == c;
}
bool Words::take(char c) {
  const bool there = next_is(c);
  if (there) ++at_;
  return there;
}
bool Words::take_text(std::string_view symbol) {
  skip();
  const bool there = rest().starts_with(symbol);
  if (there) at_ += symbol.size();
  return there;
}
bool Words::take_word(std::string_view wanted) {
  skip();
  const auto before = at_;
  if (word() == wanted) return true;
  at_ = before;
  return false;
}
std::string_view Words::word() {
  skip();
  const auto begin = at_;
  if (at_ == text_.size() || !is_letter(text_[at_])) return {};
  while (at_ < text_.size() && is_word(text_[at_])) ++at_;
  if (at_ < text_.size() && text_[at_] == '?') ++at_;
  return text_.substr(begin, at_ - begin);
}
std::string_view Words::name() {
  skip();
  const auto begin = at_;
  if (at_ == text_.size() || text_[at_] == '-') return {};
  while (at_ < text_.size() && is_word(text_[at_])) ++at_;
  return text_.substr(begin, at_ - begin);
}
std::string_view Words::number() {
  skip();
  auto at = at_;
  if (at < text_.size() && text_[at] == '-') ++at;
  const auto digits = at;
  while (at < text_.size() && is_digit(text_[at])) ++at;
  if (at == digits) return {};
  if (at + 1 < text_.size() && text_[at] == '.' && is_digit(text_[at + 1])) {
    ++at;
    while (at < text_.size() && is_digit(text_[at])) ++at;
  }
  const auto out = text_.substr(at_, at - at_);
  at_ = at;
  return out;
}
std::optional<std::string_view> Words::quoted() {
  skip();
  if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) return std::nullopt;
  const auto begin = at_ + 1;
  const auto end = text_.find(text_[at_], begin);
  if (end == std::string_view::npos) {
    fail(at_, "the text has no closing quote");
    return std::nullopt;
  }
  at_ = end + 1;
  return text_.substr(begin, end - begin);
}
std::string_view Words::since(std::size_t begin) const {
  auto out = text_.substr(begin, at_ - begin);
  while (!out.empty() && is_space(out.front())) out.remove_prefix(1);
  while (!out.empty() && is_space(out.back())) out.remove_suffix(1);
  return out;
}

// ---- values

bool Expressions::chain(Words& words, Chain& out) {
  if (!operand(words, out.operand)) return false;
  while (words.take('|')) {
    if (!filter(words, out.filters.emplace_back())) return false;
  }
  return true;
}

bool Expressions::operand(Words& words, Operand& out) {
  if (words.done()) return words.fail(words.at(), "a value is missing");
  out.offset = words.at();
  if (++depth_ > kDepthMax) return words.fail(out.offset, "brackets stand too deep in brackets");
  const bool bracket = words.next_is('[');
  const bool sound = words.next_is('(') ? range(words, out)
                     : bracket          ? lookup(words, out)
                                        : literal(words, out);
  --depth_;
  return sound;
}

bool Expressions::literal(Words& words, Operand& out) {
  if (const auto text = words.quoted()) {
    out.what = Datum{Value{*text}};
    return true;
  }
  if (words.error()) return false;
  if (const auto number = words.number(); !number.empty()) {
    out.what = number_of(number);
    return true;
  }
  return lookup(words, out);
}

bool Expressions::range(Words& words, Operand& out) {
  words.take('(');
  auto from = std::make_shared<Operand>();
  auto to = std::make_shared<Operand>();
  if (!operand(words, *from)) return false;
  if (!words.take_text("..")) return words.fail(words.at(), "expected '..' as in (1..5)");
  if (!operand(words, *to)) return false;
  if (!words.take(')')) return words.fail(words.at(), "expected ')'");
  out.what = RangeOf{std::move(from), std::move(to)};
  return true;
}

bool Expressions::lookup(Words& words, Operand& out) {
  static constexpr std::string_view kPathHint = "a path such as contact.name is missing";
  Lookup found;
  const auto begin = words.at();
  if (words.next_is('[') && form_ == Form::kFull) {
    words.take('[');
    auto key = std::make_shared<Operand>();
    if (!operand(words, *key)) return false;
    if (!words.take(']')) return words.fail(words.at(), "expected ']'");
    const auto* literal = std::get_if<Datum>(&key->what);
    const auto* text = literal == nullptr ? nullptr : text_of(*literal);
    if (text != nullptr) {
      found.root = *text;
    } else {
      found.computed_root = std::move(key);
    }
  } else {
    found.root = words.word();
    if (found.root.empty()) return words.fail(begin, std::string{kPathHint});
  }
  if (!segments(words, found)) {
    return form_ == Form::kLine ? words.fail(begin, std::string{kPathHint}) : false;
  }
  found.text = words.since(begin);
  if (found.segments.empty() && !found.computed_root && !found.text.starts_with('[')) {
    static const std::pair<std::string_view, Datum> kWords[] = {{"nil", {}},
                                                                {"null", {}},
                                                                {"true", Value{true}},
                                                                {"false", Value{false}},
                                                                {"empty", Special::kEmpty},
                                                                {"blank", Special::kBlank}};
    for (const auto& [word, value] : kWords) {
      if (found.root != word) continue;
      out.what = value;
      return true;
    }
  }
  if (!found.computed_root) {
    Path path{found.root, {found.root}, begin};
    for (const auto& segment : found.segments) {
      if (segment.computed) break;
      path.text += '.' + segment.name;
      path.words.push_back(segment.name);
      ++found.names;
    }
    found.path = paths_.size();
    paths_.push_back(std::move(path));
  }
  out.what = std::move(found);
  return true;
}

bool Expressions::segments(Words& words, Lookup& out) {
  for (;;) {
    const auto begin = words.at();
    if (words.next_is('.') && !words.rest().starts_with("..")) {
      words.take('.');
      const auto name = words.word();
      if (name.empty()) {
        // In a line the whole path is shown as wrong, wherever it is.
        return form_ == Form::kLine ? false : words.fail(begin, "a name is missing behind '.'");
      }
      out.segments.push_back({std::string{name}, nullptr});
    } else if (form_ == Form::kFull && words.take('[')) {
      auto key = std::make_shared<Operand>();
      if (!operand(words, *key)) return false;
      if (!words.take(']')) return words.fail(words.at(), "expected ']'");
      const auto* literal = std::get_if<Datum>(&key->what);
      const auto* text = literal == nullptr ? nullptr : text_of(*literal);
      if (text != nullptr) {
        out.segments.push_back({*text, nullptr});
      } else {
        out.segments.push_back({{}, std::move(key)});
      }
    } else {
      const bool dots = form_ == Form::kLine && words.rest().starts_with("..");
      return !dots;
    }
  }
}

bool Expressions::filter(Words& words, FilterCall& out) {
  words.done();
  out.offset = words.at();
  const auto name = words.word();
  out.filter = find_filter(name);
  if (out.filter == nullptr) {
    return words.fail(out.offset, fmt::format("unknown filter '{}'", name),
                      did_you_mean(name, filter_names()));
  }
  if (words.take(':') && !arguments(words, out)) return false;
  const auto count = out.arguments.size();
  const auto& f = *out.filter;
  if (count >= f.arguments_min && count <= f.arguments_max) return true;
  return words.fail(out.offset,
                    fmt::format("'{}' takes {} argument(s), {} given", name,
                                f.arguments_min == f.arguments_max
                                    ? std::to_string(f.arguments_min)
                                    : fmt::format("{} to {}", f.arguments_min, f.arguments_max),
                                count));
}

bool Expressions::arguments(Words& words, FilterCall& out) {
  do {
    words.done();
    auto ahead = words;  // a word and a colon: it has a name
    const auto name = ahead.word();
    if (!name.empty() && ahead.take(':')) {
      if (out.filter->name != "default" || name != "allow_false") {
        return words.fail(words.at(),
                          fmt::format("'{}' has no argument '{}'", out.filter->name, name));
      }
      words = ahead;
      if (!operand(words, out.allow_false.emplace())) return false;
    } else if (!operand(words, out.arguments.emplace_back())) {
      return false;
    }
  } while (words.take(','));
  return true;
}

// ---- conditions

bool Expressions::condition(Words& words, Condition& out) {
  for (;;) {
    if (!test(words, out.emplace_back())) return false;
    out.back().and_next = words.take_word("and");
    if (!out.back().and_next && !words.take_word("or")) return true;
  }
}

bool Expressions::test(Words& words, Test& out) {
  static constexpr std::pair<std::string_view, Compare> kSymbols[] = {
      {"==", Compare::kEqual},     {"!=", Compare::kNotEqual},     {"<>", Compare::kNotEqual},
      {"<=", Compare::kLessEqual}, {">=", Compare::kGreaterEqual}, {"<", Compare::kLess},
      {">", Compare::kGreater}};
  if (!operand(words, out.left)) return false;
  for (const auto& [symbol, compare] : kSymbols) {
    if (!words.take_text(symbol)) continue;
    out.compare = compare;
    return operand(words, out.right);
  }
  if (!words.take_word("contains")) return true;
  out.compare = Compare::kContains;
  return operand(words, out.right);
}

}  // namespace dealwright::rules::liquid
