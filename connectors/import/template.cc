#include "connectors/import/template.h"

#include <algorithm>

namespace dealwright::import {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// Letters, digits and bytes above ASCII stay, every run of others becomes one hyphen.
void append_slug(std::string& out, std::string_view text) {
  const auto start = out.size();
  for (const char raw : text) {
    const char c = lower(raw);
    const bool kept =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<signed char>(c) < 0;
    if (kept) {
      out += c;
    } else if (out.size() > start && out.back() != '-') {
      out += '-';
    }
  }
  if (out.size() > start && out.back() == '-') out.pop_back();
}

void append_filtered(std::string& out, std::string_view text, Template::Filter filter) {
  switch (filter) {
    case Template::Filter::kNone:
      out += text;
      return;
    case Template::Filter::kLower:
      for (const char c : text) out += lower(c);
      return;
    case Template::Filter::kUpper:
      for (const char c : text) out += upper(c);
      return;
    case Template::Filter::kSlug:
      append_slug(out, text);
      return;
  }
}

std::uint32_t index_in(std::vector<std::string>& names, std::string_view name) {
  const auto it = std::find(names.begin(), names.end(), name);
  if (it != names.end()) return static_cast<std::uint32_t>(it - names.begin());
  names.emplace_back(name);
  return static_cast<std::uint32_t>(names.size() - 1);
}

std::string parse_reference(std::string_view text, Names& names, Template::Part& part) {
  const auto bar = text.rfind('|');
  if (bar != std::string_view::npos) {
    const auto filter = text.substr(bar + 1);
    if (filter == "lower")
      part.filter = Template::Filter::kLower;
    else if (filter == "upper")
      part.filter = Template::Filter::kUpper;
    else if (filter == "slug")
      part.filter = Template::Filter::kSlug;
    else
      return "unknown filter '" + std::string{filter} + "'; lower, upper or slug";
    text = text.substr(0, bar);
  }
  if (text.empty()) return "{} names no column";
  if (!text.starts_with("@")) {
    part.kind = Template::Kind::kColumn;
    part.index = index_in(names.columns, text);
    return {};
  }
  if (text == "@case")
    part.kind = Template::Kind::kCase;
  else if (text == "@row")
    part.kind = Template::Kind::kRow;
  else if (text == "@n")
    part.kind = Template::Kind::kNumber;
  else {
    const auto it = std::find(names.records.begin(), names.records.end(), text.substr(1));
    if (it == names.records.end()) {
      return "unknown reference '" + std::string{text} +
             "'; @case, @row, @n or @ and a name under records";
    }
    part.kind = Template::Kind::kRecord;
    part.index = static_cast<std::uint32_t>(it - names.records.begin());
  }
  return {};
}

void append_literal(Template& out, std::string_view text) {
  if (text.empty()) return;
  if (out.parts.empty() || out.parts.back().kind != Template::Kind::kLiteral)
    out.parts.emplace_back();
  out.parts.back().literal += text;
}

}  // namespace

std::string parse_template(std::string_view text, Names& names, Template& out) {
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
    Template::Part part;
    if (auto wrong = parse_reference(text.substr(0, close), names, part); !wrong.empty())
      return wrong;
    out.parts.push_back(std::move(part));
    text.remove_prefix(close + 1);
  }
  return {};
}

void render(const Template& text, const Scope& scope, std::string& out) {
  out.clear();
  for (const auto& part : text.parts) {
    const auto before = out.size();
    switch (part.kind) {
      case Template::Kind::kLiteral:
        out += part.literal;
        break;
      case Template::Kind::kColumn:
        append_filtered(out, scope.cells[part.index], part.filter);
        break;
      case Template::Kind::kCase:
        append_filtered(out, scope.case_id, part.filter);
        break;
      case Template::Kind::kRow:
        out += std::to_string(scope.row);
        break;
      case Template::Kind::kNumber:
        out += std::to_string(scope.number);
        break;
      case Template::Kind::kRecord:
        append_filtered(out, scope.record_ids[part.index], part.filter);
        break;
    }
    if (out.size() == before) {
      out.clear();
      return;
    }
  }
}

}  // namespace dealwright::import
