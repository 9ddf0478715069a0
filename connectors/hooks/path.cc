#include "connectors/hooks/path.h"

#include <algorithm>
#include <charconv>

namespace dealwright::hooks {
namespace {

constexpr std::size_t kStepsMax = 32;

std::string parse_bracket(std::string_view& text, Path& out) {
  const bool quoted = text.starts_with("['");
  const auto close = text.find(quoted ? "']" : "]");
  if (close == std::string_view::npos) return "a '[' without ']'; write [0], [*] or ['a name']";
  const auto inner = quoted ? text.substr(2, close - 2) : text.substr(1, close - 1);
  text.remove_prefix(close + (quoted ? 2 : 1));
  if (quoted) {
    out.steps.emplace_back(inner);
    return {};
  }
  const bool number = !inner.empty() && inner.size() <= 6 &&
                      inner.find_first_not_of("0123456789") == std::string_view::npos;
  if (!number && inner != "*")
    return "'[" + std::string{inner.substr(0, 40)} + "]' is no place; write [0], [*] or ['a name']";
  out.steps.push_back("[" + std::string{inner} + "]");
  return {};
}

Value step_into(const Value& value, const std::string& step) {
  if (const auto* map = value.as_map()) {
    const auto* member = find(*map, step);
    return member == nullptr ? Value{} : *member;
  }
  const auto* list = value.as_list();
  if (list == nullptr || step.size() < 3 || step.front() != '[') return {};
  std::size_t index = 0;
  const auto parsed = std::from_chars(step.data() + 1, step.data() + step.size() - 1, index);
  return parsed.ec == std::errc{} && index < list->size() ? (*list)[index] : Value{};
}

Value walk(Value value, const std::vector<std::string>& steps, std::size_t from) {
  for (std::size_t i = from; i < steps.size(); ++i) {
    if (steps[i] == kEachElement && value.as_list() != nullptr) {
      List out;
      for (const auto& element : *value.as_list()) {
        auto found = walk(element, steps, i + 1);
        if (!found.absent() && !found.null()) out.push_back(std::move(found));
      }
      return out.empty() ? Value{} : Value{std::move(out)};
    }
    value = step_into(value, steps[i]);
  }
  return value;
}

void append_filtered(std::string& out, std::string_view text, Text::Filter filter) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  switch (filter) {
    case Text::Filter::kNone:
      out += text;
      return;
    case Text::Filter::kLower:
      std::transform(text.begin(), text.end(), std::back_inserter(out), lower);
      return;
    case Text::Filter::kUpper:
      std::transform(text.begin(), text.end(), std::back_inserter(out),
                     [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
      return;
    case Text::Filter::kSlug: {
      const auto begin = out.size();
      for (const char c : text) {
        const char small = lower(c);
        const bool plain = (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') ||
                           static_cast<unsigned char>(small) >= 0x80;
        if (plain)
          out.push_back(small);
        else if (out.size() > begin && out.back() != '-')
          out.push_back('-');
      }
      if (out.size() > begin && out.back() == '-') out.pop_back();
      return;
    }
  }
}

std::string parse_reference(std::string_view text, Text::Part& part) {
  if (const auto bar = text.rfind('|'); bar != std::string_view::npos) {
    const auto filter = text.substr(bar + 1);
    if (filter == "lower")
      part.filter = Text::Filter::kLower;
    else if (filter == "upper")
      part.filter = Text::Filter::kUpper;
    else if (filter == "slug")
      part.filter = Text::Filter::kSlug;
    else
      return "unknown filter '" + std::string{filter.substr(0, 40)} + "'; lower, upper or slug";
    text = text.substr(0, bar);
  }
  return parse_path(text, part.path.emplace());
}

void append_literal(Text& out, std::string_view text) {
  if (text.empty()) return;
  if (out.parts.empty() || out.parts.back().path) out.parts.emplace_back();
  out.parts.back().literal += text;
}

// `read` holds the steps of what was read below `value`, from `depth` on.
Value without(const Value& value, const std::vector<std::vector<std::string>>& read,
              std::size_t depth) {
  const auto* map = value.as_map();
  if (map == nullptr) return value;
  Map out;
  for (const auto& [name, member] : *map) {
    std::vector<std::vector<std::string>> below;
    bool whole = false;
    for (const auto& steps : read) {
      if (steps.size() <= depth || steps[depth] != name) continue;
      whole = whole || steps.size() == depth + 1;
      below.push_back(steps);
    }
    if (whole) continue;
    auto rest = below.empty() ? member : without(member, below, depth + 1);
    if (!rest.absent()) out.emplace_back(name, std::move(rest));
  }
  return out.empty() && !map->empty() ? Value{} : Value{std::move(out)};
}

}  // namespace

std::string parse_path(std::string_view text, Path& out) {
  out = Path{};
  if (text.starts_with('@') || text.starts_with('$')) {
    out.root = text[0] == '@' ? Path::Root::kFact : Path::Root::kSetting;
    text.remove_prefix(1);
  }
  if (text.empty()) return "{} names no place; write {a.b}, {@id} or {$currency}";
  bool name_next = !text.starts_with('[');
  while (!text.empty()) {
    if (name_next) {
      const auto end = std::min(text.find_first_of(".["), text.size());
      if (end == 0) return "a place has no empty name; write {a.b}";
      out.steps.emplace_back(text.substr(0, end));
      text.remove_prefix(end);
      name_next = false;
    } else if (text[0] == '.') {
      text.remove_prefix(1);
      if (text.empty()) return "a place ends in '.'; write {a.b}";
      name_next = true;
    } else if (text[0] == '[') {
      if (auto wrong = parse_bracket(text, out); !wrong.empty()) return wrong;
    } else {
      return "'" + std::string{text.substr(0, 40)} + "' follows ']'; write [0].name";
    }
    if (out.steps.size() > kStepsMax) return "a place is more than 32 levels deep";
  }
  if (out.root == Path::Root::kSetting && out.steps.size() > 1)
    return "a setting is one text; write {$currency}";
  return {};
}

std::string parse_text(std::string_view text, Text& out) {
  out.parts.clear();
  while (!text.empty()) {
    const auto brace = text.find_first_of("{}");
    append_literal(out, text.substr(0, brace));
    if (brace == std::string_view::npos) break;
    const char which = text[brace];
    text.remove_prefix(brace + 1);
    if (text.starts_with(which)) {
      append_literal(out, text.substr(0, 1));
      text.remove_prefix(1);
      continue;
    }
    if (which == '}') return "a '}' without '{'; write }} for a brace";
    const auto close = text.find('}');
    if (close == std::string_view::npos) return "a '{' without '}'; write {{ for a brace";
    Text::Part part;
    if (auto wrong = parse_reference(text.substr(0, close), part); !wrong.empty()) return wrong;
    out.parts.push_back(std::move(part));
    text.remove_prefix(close + 1);
  }
  return {};
}

Value Scope::in_body(Steps steps) {
  auto value = walk(notice_.body, steps, 0);
  // A part of a list is kept with the whole list: a hole would move what follows.
  const bool in_list = std::any_of(steps.begin(), steps.end(),
                                   [](const std::string& step) { return step.starts_with('['); });
  if (!value.absent() && !in_list) {
    read_.insert(steps);
    since_.push_back(std::move(steps));
  }
  return value;
}

Value Scope::find(const Path& path) {
  switch (path.root) {
    case Path::Root::kBody:
      return in_body(path.steps);
    case Path::Root::kSetting: {
      const auto* value = dealwright::find(settings_, path.steps.front());
      return value == nullptr ? Value{} : *value;
    }
    case Path::Root::kFact:
      break;
  }
  const auto& name = path.steps.front();
  if (name == "each") return walk(each_, path.steps, 1);
  for (const auto& [alias, target] : notice_.aliases) {
    if (alias != name) continue;
    Steps steps;
    if (!target.empty()) steps.push_back(target);
    steps.insert(steps.end(), path.steps.begin() + 1, path.steps.end());
    return in_body(std::move(steps));
  }
  const auto* value = dealwright::find(notice_.facts, name);
  return value == nullptr ? Value{} : walk(*value, path.steps, 1);
}

std::string Scope::render(const Text& text) {
  std::string out;
  for (const auto& part : text.parts) {
    if (!part.path) {
      out += part.literal;
      continue;
    }
    const auto before = out.size();
    append_filtered(out, scalar_text(find(*part.path)), part.filter);
    if (out.size() == before && part.path->root != Path::Root::kSetting) return {};
  }
  return out;
}

void Scope::forget() {
  for (const auto& steps : since_) {
    if (const auto at = read_.find(steps); at != read_.end()) read_.erase(at);
  }
  since_.clear();
}

Value Scope::rest() const {
  std::vector<Steps> read;
  for (auto it = read_.begin(); it != read_.end(); it = read_.upper_bound(*it)) read.push_back(*it);
  for (const auto& steps : read) {
    if (steps.empty()) return {};
  }
  return without(notice_.body, read, 0);
}

}  // namespace dealwright::hooks
