// From pieces to the tree. Inside liquid/.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/liquid/ast.h"
#include "rules/liquid/places.h"
#include "rules/liquid/scanner.h"

namespace dealwright::rules::liquid {

// The words of one output or tag. The first thing that is wrong sticks; then everything fails.
class Words {
 public:
  Words(std::string_view text, std::size_t begin, std::size_t end)
      : text_{text.substr(0, end)}, at_{begin} {}

  const std::optional<ParseError>& error() const { return error_; }
  bool fail(std::size_t offset, std::string message, std::string hint = {});
  std::size_t at() const { return at_; }
  bool done();           // nothing but white space is left
  bool next_is(char c);  // behind white space
  bool take(char c);     // takes it if it is next
  bool take_text(std::string_view symbol);
  bool take_word(std::string_view word);  // if it is the next whole word
  std::string_view word();                // [A-Za-z_][\w-]*\??; "" if none is next
  std::string_view name();                // [\w][\w-]*: what is assigned; "" if none
  std::string_view number();              // -?\d+(\.\d+)?; "" if none
  std::optional<std::string_view> quoted();
  std::string_view since(std::size_t begin) const;  // without white space at its ends
  std::string_view rest() const { return text_.substr(at_); }

 private:
  void skip();
  std::string_view text_;
  std::size_t at_;
  std::optional<ParseError> error_;
};

// Values, filters, conditions. False: words.error() says why.
class Expressions {
 public:
  Expressions(std::vector<Path>& paths, Form form) : paths_{paths}, form_{form} {}
  bool chain(Words& words, Chain& out);
  bool operand(Words& words, Operand& out);
  bool condition(Words& words, Condition& out);

 private:
  bool lookup(Words& words, Operand& out);
  bool segments(Words& words, Lookup& out);
  bool literal(Words& words, Operand& out);
  bool range(Words& words, Operand& out);
  bool filter(Words& words, FilterCall& out);
  bool arguments(Words& words, FilterCall& out);
  bool test(Words& words, Test& out);

  std::vector<Path>& paths_;
  const Form form_;
  int depth_ = 0;
};

class Parser {
 public:
  Parser(std::string_view text, Template& out, const ParseOptions& options);
  std::optional<ParseError> parse();

 private:
  using Enders = std::span<const std::string_view>;
  // Nodes up to one of `enders`, or to the end if there are none. False: error_.
  bool body(Scanner& scanner, const Piece& opener, Enders enders, Body& out, Piece& ender);
  bool piece(Scanner& scanner, const Piece& piece, Body& out);
  bool text(std::size_t begin, std::size_t end, Body& out);
  bool output(const Piece& piece, Body& out);
  bool tag(Scanner& scanner, const Piece& piece, Body& out);
  bool assign(const Piece& piece, Body& out);
  bool capture(Scanner& scanner, const Piece& piece, Body& out);
  bool if_tag(Scanner& scanner, const Piece& piece, Body& out);
  bool case_tag(Scanner& scanner, const Piece& piece, Body& out);
  bool when(const Piece& piece, When& out);
  bool for_tag(Scanner& scanner, const Piece& piece, Body& out);
  bool for_head(const Piece& piece, For& out);
  bool jump(const Piece& piece, Body& out);
  bool render_tag(const Piece& piece, Body& out);
  bool liquid_tag(const Piece& piece, Body& out);
  bool doc(Scanner& scanner, const Piece& piece);

  bool fail(std::size_t offset, std::string message, std::string hint = {});
  bool fail(std::optional<ParseError> error);
  bool fail(const Words& words) { return fail(words.error()); }
  bool at_end(Words& words, std::string_view expected);  // nothing more stands in the tag
  bool same_place(const Places& expected, const Piece& piece, std::string_view what);
  Words words_of(const Piece& piece) const { return {text_, piece.begin, piece.end}; }

  std::string_view text_;
  Template& out_;
  const ParseOptions options_;
  Expressions expressions_;
  Places places_;
  std::vector<Places> loops_;  // where each loop around began
  int depth_ = 0;
  std::optional<ParseError> error_;
};

}  // namespace dealwright::rules::liquid
