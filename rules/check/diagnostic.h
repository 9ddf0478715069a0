// What is wrong with a rule file: found at load, all at once, with where, which code and how to
// mend it. Codes are printed with DW before them and never change (docs/rules.md lists them).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dealwright::rules {

// Counted from 1; columns count code points.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend auto operator<=>(const Place&, const Place&) = default;
};

enum class Severity : std::uint8_t { kError, kWarning, kNote };
std::string_view severity_name(Severity severity);

struct Diagnostic {
  Severity severity = Severity::kError;
  std::uint16_t code = 0;  // 2001
  Place at;
  std::string message;  // unknown field 'deal.amout'
  std::string hint;     // Did you mean 'deal.amount'?
  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// offer.rule.yaml:6:7 error DW2001 unknown field 'deal.amout'. Did you mean 'deal.amount'?
// then the line of the source, a caret below the place, and the hint's further lines; ends in a
// newline.
std::string render(const Diagnostic& diagnostic, std::string_view file, std::string_view source);
std::string render(const std::vector<Diagnostic>& all, std::string_view file,
                   std::string_view source);

// Collects; sorts by place when taken.
class Diagnostics {
 public:
  void error(std::uint16_t code, Place at, std::string message, std::string hint = {});
  void warning(std::uint16_t code, Place at, std::string message, std::string hint = {});
  void note(std::uint16_t code, Place at, std::string message, std::string hint = {});
  bool has_errors() const { return errors_ > 0; }
  std::vector<Diagnostic> take();

 private:
  void add(Severity severity, std::uint16_t code, Place at, std::string message, std::string hint);
  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
};

// "Did you mean 'x'?" for the nearest of `known`, or "" if none is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known);
// "a, b, c"
std::string listed(const std::vector<std::string_view>& words);

}  // namespace dealwright::rules
