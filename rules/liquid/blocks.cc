// The tags that hold others: if, unless, case, for, capture. A block that prints nothing but white
// space prints nothing at all.
#include <fmt/core.h>

#include <algorithm>

#include "rules/liquid/parser.h"

namespace dealwright::rules::liquid {
namespace {

void drop_white_space(Body& body) {
  std::erase_if(body.nodes, [](const Node& n) { return std::holds_alternative<Text>(n.what); });
}

}  // namespace

bool Parser::capture(Scanner& scanner, const Piece& piece, Body& out) {
  static constexpr std::string_view kEnders[] = {"endcapture"};
  auto words = words_of(piece);
  Capture node;
  words.done();
  const auto at = words.at();
  const auto quoted = words.quoted();
  node.name = quoted ? *quoted : words.name();
  if (node.name.empty()) return fail(at, "a name is missing, as in {% capture address %}");
  if (!at_end(words, "the end of the tag")) return false;
  // What it holds may be printed in any text: it is a text by itself.
  node.markup = options_.escape == Escape::kHtml;
  const auto around = places_;
  places_ = {};
  Piece ender;
  if (!body(scanner, piece, kEnders, node.body, ender)) return false;
  if (!same_place({}, ender, "the capture begins")) return false;
  places_ = around;
  out.nodes.push_back({std::move(node), piece.offset});
  return true;
}

bool Parser::if_tag(Scanner& scanner, const Piece& piece, Body& out) {
  static constexpr std::string_view kIf[] = {"endif", "else", "elsif"};
  static constexpr std::string_view kUnless[] = {"endunless", "else", "elsif"};
  If node;
  node.unless = piece.name == "unless";
  const auto before = places_;
  std::optional<Places> behind;
  bool all_else = false, blank = true;
  for (auto opener = piece;;) {
    auto& branch = node.branches.emplace_back();
    if (opener.name != "else") {
      auto words = words_of(opener);
      if (!expressions_.condition(words, branch.condition)) return fail(words);
      if (!at_end(words, "'and', 'or' or the end of the tag")) return false;
    } else {
      all_else = true;
    }
    Piece ender;
    places_ = before;
    if (!body(scanner, piece, node.unless ? kUnless : kIf, branch.body, ender)) return false;
    if (behind && !same_place(*behind, ender, "the other branches end")) return false;
    behind = places_;
    blank = blank && branch.body.blank;
    if (ender.name.starts_with("end")) break;
    opener = ender;
  }
  if (!all_else && !same_place(before, piece, "without it")) return false;
  if (blank) {
    for (auto& branch : node.branches) drop_white_space(branch.body);
  }
  out.blank = out.blank && blank;
  out.nodes.push_back({std::move(node), piece.offset});
  return true;
}

bool Parser::when(const Piece& piece, When& out) {
  auto words = words_of(piece);
  do {
    if (!expressions_.operand(words, out.values.emplace_back())) return fail(words);
  } while (words.take(',') || words.take_word("or"));
  return !options_.strict || at_end(words, "',', 'or' or the end of the tag");
}

bool Parser::case_tag(Scanner& scanner, const Piece& piece, Body& out) {
  static constexpr std::string_view kEnders[] = {"endcase", "when", "else"};
  auto words = words_of(piece);
  Case node;
  if (!expressions_.operand(words, node.subject)) return fail(words);
  if (!at_end(words, "the end of the tag")) return false;
  const auto before = places_;
  Body ignored;  // between case and the first when
  Piece ender;
  if (!body(scanner, piece, kEnders, ignored, ender)) return false;
  bool blank = true;
  while (ender.name != "endcase") {
    auto& branch = node.whens.emplace_back();
    if (ender.name == "when" && !when(ender, branch)) return false;
    places_ = before;
    if (!body(scanner, piece, kEnders, branch.body, ender)) return false;
    // Several may be rendered, or none.
    if (!same_place(before, ender, "the case begins")) return false;
    blank = blank && branch.body.blank;
  }
  places_ = before;
  if (blank) {
    for (auto& branch : node.whens) drop_white_space(branch.body);
  }
  out.blank = out.blank && blank;
  out.nodes.push_back({std::move(node), piece.offset});
  return true;
}

bool Parser::for_head(const Piece& piece, For& out) {
  auto words = words_of(piece);
  words.done();
  const auto at = words.at();
  out.variable = words.word();
  if (out.variable.empty() || !words.take_word("in"))
    return fail(at, "expected a name and 'in', as in {% for line in offer.lines %}");
  words.done();
  const auto begin = words.at();
  if (!expressions_.operand(words, out.over)) return fail(words);
  out.name = fmt::format("{}-{}", out.variable, words.since(begin));
  for (;;) {
    words.take(',');
    if (words.done()) return true;
    const auto key_at = words.at();
    if (words.take_word("reversed")) {
      out.reversed = true;
      continue;
    }
    const std::string key{words.word()};
    const bool known = key == "limit" || key == "offset";
    if (!known || !words.take(':')) return fail(key_at, "expected limit:, offset: or reversed");
    if (key == "offset" && words.take_word("continue")) {
      out.goes_on = true;
      continue;
    }
    auto& value = key == "limit" ? out.limit : out.offset;
    if (!expressions_.operand(words, value.emplace())) return fail(words);
  }
}

bool Parser::for_tag(Scanner& scanner, const Piece& piece, Body& out) {
  static constexpr std::string_view kEnders[] = {"endfor", "else"};
  static constexpr std::string_view kEnd[] = {"endfor"};
  For node;
  if (!for_head(piece, node)) return false;
  const auto before = places_;
  Piece ender;
  loops_.push_back(before);
  const bool sound = body(scanner, piece, kEnders, node.body, ender);
  loops_.pop_back();
  if (!sound || !same_place(before, ender, "the loop begins")) return false;
  if (ender.name == "else") {
    if (!body(scanner, piece, kEnd, node.otherwise, ender)) return false;
    if (!same_place(before, ender, "the loop begins")) return false;
  }
  const bool blank = node.body.blank && node.otherwise.blank;
  if (blank) {
    drop_white_space(node.body);
    drop_white_space(node.otherwise);
  }
  out.blank = out.blank && blank;
  out.nodes.push_back({std::move(node), piece.offset});
  return true;
}

}  // namespace dealwright::rules::liquid
