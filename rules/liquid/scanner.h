// Cuts a template into literal texts, outputs and tags; white space control is done here. Also the
// lines of a `liquid` tag. Inside liquid/.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "rules/liquid/template.h"

namespace dealwright::rules::liquid {

struct Piece {
  enum class Kind : std::uint8_t { kText, kOutput, kTag, kEnd };
  Kind kind = Kind::kEnd;
  std::size_t begin = 0;  // of the text; of what stands in the braces, behind a tag's name
  std::size_t end = 0;
  std::size_t offset = 0;  // where it begins, its braces too
  std::string_view name;   // of a tag; "#": a comment
};

class Scanner {
 public:
  // The text between `begin` and `end`; `lines`: a tag a line.
  Scanner(std::string_view text, std::size_t begin, std::size_t end, bool lines)
      : text_{text.substr(0, end)}, at_{begin}, lines_{lines} {}

  std::optional<ParseError> next(Piece& out);
  // Behind the tag `name`: goes on behind its end tag. `out`: what stands between, as it is.
  std::optional<ParseError> take_raw(const Piece& opener, Piece& out);
  std::optional<ParseError> skip_comment(const Piece& opener);
  std::string_view text() const { return text_; }

 private:
  std::optional<ParseError> next_line(Piece& out);
  std::optional<ParseError> read_braces(Piece& out);
  void name_of(Piece& piece) const;

  std::string_view text_;
  std::size_t at_;
  const bool lines_;
  bool trim_ = false;  // what was before ended in -}} or -%}
};

}  // namespace dealwright::rules::liquid
