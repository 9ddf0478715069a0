#include "rules/check/diagnostic.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "engine/domain/vocabulary.h"

namespace dealwright::rules {
namespace {

std::string_view line_of(std::string_view source, std::uint32_t line) {
  for (std::uint32_t n = 1; n < line; ++n) {
    const auto end = source.find('\n');
    if (end == std::string_view::npos) return {};
    source.remove_prefix(end + 1);
  }
  auto out = source.substr(0, source.find('\n'));
  if (out.ends_with('\r')) out.remove_suffix(1);
  return out;
}

// Blanks up to the column, tabs kept so that the caret stands below its character.
std::string indent_to(std::string_view line, std::uint32_t column) {
  std::string out;
  std::uint32_t at = 1;
  for (const char c : line) {
    if ((static_cast<unsigned char>(c) & 0xc0) == 0x80) continue;  // inside a code point
    if (at++ >= column) break;
    out += c == '\t' ? '\t' : ' ';
  }
  for (; at < column; ++at) out += ' ';
  return out;
}

}  // namespace

std::string_view severity_name(Severity severity) {
  static constexpr std::string_view kNames[] = {"error", "warning", "note"};
  return kNames[static_cast<std::size_t>(severity)];
}

std::string render(const Diagnostic& d, std::string_view file, std::string_view source) {
  auto out = fmt::format("{}:{}:{} {} DW{} {}", file, d.at.line, d.at.column,
                         severity_name(d.severity), d.code, d.message);
  const std::string_view hint = d.hint;
  const auto first = hint.substr(0, hint.find('\n'));
  if (!first.empty()) out += fmt::format(". {}", first);
  const auto line = line_of(source, d.at.line);
  out += fmt::format("\n  {}\n  {}^\n", line, indent_to(line, d.at.column));
  if (first.size() < hint.size()) out += fmt::format("{}\n", hint.substr(first.size() + 1));
  return out;
}

std::string render(const std::vector<Diagnostic>& all, std::string_view file,
                   std::string_view source) {
  std::string out;
  for (const auto& d : all) out += render(d, file, source);
  return out;
}

void Diagnostics::add(Severity severity, std::uint16_t code, Place at, std::string message,
                      std::string hint) {
  if (severity == Severity::kError) ++errors_;
  all_.push_back({severity, code, at, std::move(message), std::move(hint)});
}
void Diagnostics::error(std::uint16_t code, Place at, std::string message, std::string hint) {
  add(Severity::kError, code, at, std::move(message), std::move(hint));
}
void Diagnostics::warning(std::uint16_t code, Place at, std::string message, std::string hint) {
  add(Severity::kWarning, code, at, std::move(message), std::move(hint));
}
void Diagnostics::note(std::uint16_t code, Place at, std::string message, std::string hint) {
  add(Severity::kNote, code, at, std::move(message), std::move(hint));
}

std::vector<Diagnostic> Diagnostics::take() {
  std::stable_sort(all_.begin(), all_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.at, a.code) < std::tie(b.at, b.code);
  });
  all_.erase(std::unique(all_.begin(), all_.end()), all_.end());
  errors_ = 0;
  return std::move(all_);
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t least = word.size() / 3 + 2;
  for (const auto candidate : known) {
    const auto distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best.empty() ? std::string{} : fmt::format("Did you mean '{}'?", best);
}

std::string listed(const std::vector<std::string_view>& words) {
  std::string out;
  for (const auto word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

}  // namespace dealwright::rules
