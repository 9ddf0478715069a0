#include "rules/liquid/places.h"

#include <algorithm>

namespace dealwright::rules::liquid {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool is_letter(char c) { return small(c) >= 'a' && small(c) <= 'z'; }

constexpr std::string_view kLinks[] = {"href",     "src",       "action",     "background",
                                       "cite",     "poster",    "formaction", "data",
                                       "longdesc", "xlink:href"};
constexpr std::string_view kUnknownValues[] = {"style",  "srcset",     "ping",
                                               "srcdoc", "http-equiv", "content"};
constexpr std::string_view kSchemes[] = {"https://", "mailto:"};
constexpr std::size_t kWordMax = 32;

bool is_link(std::string_view name) {
  return std::find(std::begin(kLinks), std::end(kLinks), name) != std::end(kLinks);
}
bool is_code(std::string_view name) {
  return name.starts_with("on") || std::find(std::begin(kUnknownValues), std::end(kUnknownValues),
                                             name) != std::end(kUnknownValues);
}

bool begins_closing(std::string_view rest, std::string_view tag) {  // </script
  if (!rest.starts_with("</") || rest.size() < tag.size() + 2) return false;
  return std::equal(tag.begin(), tag.end(), rest.begin() + 2,
                    [](char a, char b) { return a == small(b); });
}

}  // namespace

std::optional<Places::Fault> Places::text(std::string_view html) {
  for (std::size_t i = 0; i < html.size(); ++i) {
    if (auto fault = step(html[i], html.substr(i))) {
      fault->offset = i;
      return fault;
    }
  }
  return std::nullopt;
}

std::optional<Places::Fault> Places::end_link() {
  if (link_ != Link::kScheme) return std::nullopt;
  return Fault{"a link begins with https:// or mailto:, this one with '" + word_ + "'",
               "Write the whole address", 0};
}

std::optional<Places::Fault> Places::in_link(char c) {
  if (link_ != Link::kBegins && link_ != Link::kScheme) return std::nullopt;
  link_ = Link::kScheme;
  word_ += small(c);
  for (const auto scheme : kSchemes) {
    if (word_ == scheme) {
      link_ = Link::kOn;
      return std::nullopt;
    }
  }
  const bool may_be = std::any_of(std::begin(kSchemes), std::end(kSchemes),
                                  [&](std::string_view s) { return s.starts_with(word_); });
  return may_be ? std::nullopt : end_link();
}

void Places::begin_value(char quote) {
  quote_ = quote;
  state_ = quote == '\0' ? State::kBare : State::kQuoted;
  code_ = is_code(word_);
  link_ = is_link(word_) ? Link::kBegins : Link::kNone;
  word_.clear();
}

void Places::end_tag() {
  const bool hides = !closing_ && (tag_ == "script" || tag_ == "style");
  state_ = hides ? State::kHidden : State::kText;
  if (!hides) tag_.clear();
  closing_ = false;
  word_.clear();
  link_ = Link::kNone;
  code_ = false;
}

// In the text of an element.
std::optional<Places::Fault> Places::step_in_text(char c, std::string_view rest) {
  if (rest.starts_with("<!--")) {
    state_ = State::kComment;
  } else if (rest.starts_with("<!") || rest.starts_with("<?")) {
    state_ = State::kMarkup;
  } else if (c == '<' && rest.size() > 1 && (is_letter(rest[1]) || rest[1] == '/')) {
    state_ = State::kTagName;
    tag_.clear();
  } else if (c == '<' && rest.size() == 1) {  // what comes may make it a tag
    return Fault{"'<' stands alone in front of a tag or an output", "Write &lt;", 0};
  }
  return std::nullopt;
}

// Between < and >, but not in a value.
void Places::step_in_tag(char c) {
  if (c == '>') return end_tag();
  if (state_ == State::kTagName) {
    if (c == '/' && tag_.empty()) {
      closing_ = true;
    } else if (is_space(c) || c == '/') {
      state_ = State::kInTag;
    } else if (tag_.size() < kWordMax) {
      tag_ += small(c);
    }
  } else if (c == '=' && !word_.empty()) {
    state_ = State::kValue;
  } else if (is_space(c) || c == '/') {
    state_ = State::kInTag;
  } else if (state_ == State::kInTag) {
    state_ = State::kAttribute;
    word_ = small(c);
  } else if (word_.size() < kWordMax) {
    word_ += small(c);
  }
}

std::optional<Places::Fault> Places::step_in_value(char c) {
  const bool ends = quote_ == '\0' ? is_space(c) || c == '>' : c == quote_;
  if (!ends) return in_link(c);
  auto fault = end_link();
  const bool closes = c == '>' && quote_ == '\0';
  link_ = Link::kNone;
  code_ = false;
  word_.clear();
  quote_ = '\0';
  state_ = State::kInTag;
  if (closes) end_tag();
  return fault;
}

std::optional<Places::Fault> Places::step(char c, std::string_view rest) {
  switch (state_) {
    case State::kText:
      return step_in_text(c, rest);
    case State::kTagName:
    case State::kInTag:
    case State::kAttribute:
      step_in_tag(c);
      return std::nullopt;
    case State::kValue:
      if (is_space(c)) return std::nullopt;
      if (c == '>') {
        end_tag();
        return std::nullopt;
      }
      begin_value(c == '"' || c == '\'' ? c : '\0');
      return quote_ == '\0' ? in_link(c) : std::nullopt;
    case State::kBare:
    case State::kQuoted:
      return step_in_value(c);
    case State::kComment:
      word_ += c;
      if (word_.size() > 3) word_.erase(0, word_.size() - 3);
      if (word_ != "-->") return std::nullopt;
      state_ = State::kText;
      word_.clear();
      return std::nullopt;
    case State::kHidden:
      if (!begins_closing(rest, tag_)) return std::nullopt;
      state_ = State::kTagName;
      tag_.clear();
      return std::nullopt;
    case State::kMarkup:
      if (c == '>') state_ = State::kText;
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Places::Fault> Places::output(Spot& spot) {
  const auto refused = [](std::string where, std::string hint) {
    return std::optional{Fault{"no output may stand " + std::move(where), std::move(hint), 0}};
  };
  switch (state_) {
    case State::kText:
      spot = Spot::kText;
      return std::nullopt;
    case State::kQuoted:
      if (code_) return refused("in a script or style", "Choose between whole attributes with if");
      spot = link_ == Link::kNone ? Spot::kAttribute
             : link_ == Link::kOn ? Spot::kUrlPart
                                  : Spot::kUrlBegin;
      if (link_ == Link::kScheme) return end_link();
      if (link_ == Link::kBegins) link_ = Link::kOn;
      return std::nullopt;
    case State::kValue:
    case State::kBare:
      return refused("in an attribute without quotes", "Put the value between quotes");
    case State::kHidden:
      return refused("in a script or style", "Choose between whole elements with if");
    case State::kComment:
    case State::kMarkup:
      return refused("in a comment of the page", "A comment of the template is {% comment %}");
    case State::kTagName:
    case State::kInTag:
    case State::kAttribute:
      return refused("in the name of a tag or attribute", "Write the name itself");
  }
  return std::nullopt;
}

}  // namespace dealwright::rules::liquid
