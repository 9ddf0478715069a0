// Text to tokens. Inside rules/cel.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/ast.h"

namespace dealwright::rules::cel {

enum class TokenKind : std::uint8_t { kEnd, kIdent, kQuotedIdent, kLiteral, kPunct };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // of identifiers and punctuation
  Value literal;
  std::size_t begin = 0;
  std::size_t end = 0;
  // A decimal integer literal's magnitude: -9223372036854775808 has to be read with its sign.
  bool min_int = false;
};

// All tokens, the last kEnd; or the first problem.
std::optional<Problem> tokenize(std::string_view text, std::vector<Token>& out);

}  // namespace dealwright::rules::cel
