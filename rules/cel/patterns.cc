// Regular expressions, in RE2: no text makes them slow.
#include <re2/re2.h>

#include "rules/cel/builtins.h"

namespace dealwright::rules::cel {

std::shared_ptr<const re2::RE2> read_pattern(std::string_view text, std::string& problem) {
  RE2::Options options{RE2::Quiet};
  options.set_max_mem(1 << 20);
  auto pattern = std::make_shared<const RE2>(text, options);
  if (pattern->ok()) return pattern;
  problem = pattern->error();
  return nullptr;
}

bool found_in(std::string_view text, const re2::RE2& pattern) {
  return RE2::PartialMatch(re2::StringPiece{text.data(), text.size()}, pattern);
}

Value matches(Args a) {
  if (!both<std::string>(a)) return no_overload("matches");
  std::string problem;
  const auto pattern = read_pattern(*a[1].as_text(), problem);
  if (pattern == nullptr) return invalid("no regular expression: " + problem);
  return Value{found_in(*a[0].as_text(), *pattern)};
}

}  // namespace dealwright::rules::cel
