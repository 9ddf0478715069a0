// Texts, outputs and the tags that hold nothing.
#include "rules/liquid/parser.h"

#include <fmt/core.h>

#include <algorithm>

#include "rules/check/diagnostic.h"

namespace dealwright::rules::liquid {
namespace {

constexpr int kDepthMax = 64;  // of tags in tags

constexpr std::string_view kTags[] = {"assign",   "break", "capture", "case",  "comment",
                                      "continue", "doc",   "echo",    "for",   "if",
                                      "liquid",   "raw",   "render",  "unless"};

bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); });
}

}  // namespace

Parser::Parser(std::string_view text, Template& out, const ParseOptions& options)
    : text_{text}, out_{out}, options_{options}, expressions_{out.paths, options.form} {}

bool Parser::fail(std::size_t offset, std::string message, std::string hint) {
  if (!error_) error_ = ParseError{offset, std::move(message), std::move(hint)};
  return false;
}
bool Parser::fail(std::optional<ParseError> error) {
  if (!error_) error_ = std::move(error);
  return !error_;
}

bool Parser::at_end(Words& words, std::string_view expected) {
  if (words.done()) return true;
  return fail(words.at(), fmt::format("expected {}", expected));
}

std::optional<ParseError> Parser::parse() {
  Scanner scanner{text_, 0, text_.size(), false};
  auto whole = std::make_shared<Body>();
  Piece ender;
  if (!body(scanner, {}, {}, *whole, ender)) return error_;
  if (options_.escape == Escape::kHtml && !places_.in_text()) {
    return ParseError{text_.size(), "the HTML ends inside a tag, a comment, a script or style",
                      "Close what is open"};
  }
  out_.body = std::move(whole);
  return std::nullopt;
}

bool Parser::body(Scanner& scanner, const Piece& opener, Enders enders, Body& out, Piece& ender) {
  if (++depth_ > kDepthMax) return fail(opener.offset, "tags stand too deep in tags");
  for (;;) {
    Piece next;
    if (auto error = scanner.next(next)) return fail(std::move(error));
    if (next.kind == Piece::Kind::kEnd) {
      --depth_;
      if (enders.empty()) return true;
      return fail(opener.offset, fmt::format("'{}' is not closed", opener.name),
                  fmt::format("Write {{% {} %}}", enders.front()));
    }
    if (next.kind == Piece::Kind::kTag &&
        std::find(enders.begin(), enders.end(), next.name) != enders.end()) {
      ender = next;
      --depth_;
      return true;
    }
    if (!piece(scanner, next, out)) return false;
  }
}

bool Parser::piece(Scanner& scanner, const Piece& piece, Body& out) {
  switch (piece.kind) {
    case Piece::Kind::kText:
      return text(piece.begin, piece.end, out);
    case Piece::Kind::kOutput:
      return output(piece, out);
    case Piece::Kind::kTag:
      return tag(scanner, piece, out);
    case Piece::Kind::kEnd:
      break;
  }
  return true;
}

bool Parser::text(std::size_t begin, std::size_t end, Body& out) {
  if (begin == end) return true;
  const auto text = text_.substr(begin, end - begin);
  if (options_.escape == Escape::kHtml) {
    if (auto fault = places_.text(text))
      return fail(begin + fault->offset, std::move(fault->message), std::move(fault->hint));
  }
  out.blank = out.blank && is_blank(text);
  out.nodes.push_back({Text{std::string{text}}, begin});
  return true;
}

bool Parser::output(const Piece& piece, Body& out) {
  auto words = words_of(piece);
  Output node;
  node.spot = options_.escape == Escape::kHeader ? Spot::kHeader : Spot::kPlain;
  out.blank = false;
  const bool tolerant = options_.form == Form::kFull && !options_.strict;
  if (tolerant && words.done()) return true;
  if (options_.escape == Escape::kHtml) {
    if (auto fault = places_.output(node.spot))
      return fail(piece.offset, std::move(fault->message), std::move(fault->hint));
  }
  if (!expressions_.chain(words, node.chain)) return fail(words);
  if (!at_end(words, piece.kind == Piece::Kind::kTag ? "'|' or the end of the tag" : "'|' or '}}'"))
    return false;
  out.nodes.push_back({std::move(node), piece.offset});
  return true;
}

bool Parser::tag(Scanner& scanner, const Piece& piece, Body& out) {
  const auto name = piece.name;
  if (options_.form == Form::kLine) {
    return fail(piece.offset, "a tag '{%' is not part of titles and notices",
                "Use output such as {{ contact.name }}");
  }
  if (name == "#") {
    // Each of its lines begins with #.
    auto rest = text_.substr(piece.begin, piece.end - piece.begin);
    for (auto line = rest.find('\n'); line != std::string_view::npos; line = rest.find('\n')) {
      rest.remove_prefix(line + 1);
      const auto first = rest.find_first_not_of(" \t\r\n");
      if (first != std::string_view::npos && rest[first] != '#')
        return fail(piece.offset, "each line of this comment begins with '#'");
    }
    return true;
  }
  if (name == "assign") return assign(piece, out);
  if (name == "capture") return capture(scanner, piece, out);
  if (name == "if" || name == "unless") return if_tag(scanner, piece, out);
  if (name == "case") return case_tag(scanner, piece, out);
  if (name == "for") return for_tag(scanner, piece, out);
  if (name == "break" || name == "continue") return jump(piece, out);
  if (name == "echo") return output(piece, out);
  if (name == "liquid") return liquid_tag(piece, out);
  if (name == "render") return render_tag(piece, out);
  if (name == "comment") return fail(scanner.skip_comment(piece));
  if (name == "doc") return doc(scanner, piece);
  if (name == "raw") {
    Piece content;
    if (!is_blank(text_.substr(piece.begin, piece.end - piece.begin)))
      return fail(piece.offset, "'raw' takes nothing");
    if (auto error = scanner.take_raw(piece, content)) return fail(std::move(error));
    if (content.begin < content.end) out.blank = false;
    return text(content.begin, content.end, out);
  }
  if (name.starts_with("end") || name == "else" || name == "elsif" || name == "when")
    return fail(piece.offset, fmt::format("nothing is open that '{}' belongs to", name));
  return fail(piece.offset, fmt::format("unknown tag '{}'", name),
              did_you_mean(name, {std::begin(kTags), std::end(kTags)}));
}

bool Parser::doc(Scanner& scanner, const Piece& piece) {
  Piece content;
  if (!is_blank(text_.substr(piece.begin, piece.end - piece.begin)))
    return fail(piece.offset, "'doc' takes nothing");
  if (auto error = scanner.take_raw(piece, content)) return fail(std::move(error));
  const auto inside = text_.substr(content.begin, content.end - content.begin);
  for (auto at = inside.find("{%"); at != std::string_view::npos; at = inside.find("{%", at + 2)) {
    auto rest = inside.substr(at + 2);
    rest.remove_prefix(std::min(rest.find_first_not_of("- \t\r\n"), rest.size()));
    if (rest.starts_with("doc") &&
        (rest.size() == 3 || is_blank(rest.substr(3, 1)) || rest[3] == '%'))
      return fail(content.begin + at, "a doc stands in a doc");
  }
  return true;
}

bool Parser::assign(const Piece& piece, Body& out) {
  auto words = words_of(piece);
  Assign node;
  words.done();
  const auto at = words.at();
  node.name = words.name();
  if (node.name.empty() || !words.take('='))
    return fail(at, "expected a name and '=', as in {% assign total = deal.amount %}");
  if (!expressions_.chain(words, node.chain)) return fail(words);
  if (!at_end(words, "'|' or the end of the tag")) return false;
  out.nodes.push_back({std::move(node), piece.offset});
  return true;
}

bool Parser::jump(const Piece& piece, Body& out) {
  out.blank = false;
  if (!loops_.empty() && !same_place(loops_.back(), piece, "the loop begins")) return false;
  out.nodes.push_back({Jump{piece.name == "break"}, piece.offset});
  return true;
}

bool Parser::same_place(const Places& expected, const Piece& piece, std::string_view what) {
  if (options_.escape != Escape::kHtml || places_ == expected) return true;
  return fail(piece.offset, fmt::format("this stands elsewhere in the HTML than {}", what),
              "Open and close tags, quotes and comments on the same branch");
}

bool Parser::render_tag(const Piece& piece, Body& out) {
  if (!options_.renders) {
    return fail(piece.offset, "'render' is not part of mails",
                "What mails share stands in a layout");
  }
  auto words = words_of(piece);
  Render node;
  const auto name = words.quoted();
  if (!name) return fail(piece.offset, "the name of a template in quotes is missing");
  node.name = *name;
  node.variable = *name;
  node.each = words.take_word("for");
  if (node.each || words.take_word("with")) {
    if (!expressions_.operand(words, node.with.emplace())) return fail(words);
    if (words.take_word("as")) {
      node.variable = words.word();
      if (node.variable.empty()) return fail(words.at(), "a name is missing behind 'as'");
    }
  }
  words.take(',');
  while (!words.done()) {
    const std::string key{words.word()};
    if (key.empty() || !words.take(':')) return fail(words.at(), "expected a name and ':'");
    Operand value;
    if (!expressions_.operand(words, value)) return fail(words);
    node.arguments.emplace_back(key, std::move(value));
    words.take(',');
  }
  out.blank = false;
  out.nodes.push_back({std::move(node), piece.offset});
  return true;
}

bool Parser::liquid_tag(const Piece& piece, Body& out) {
  Scanner lines{text_, piece.begin, piece.end, true};
  Piece ender;
  return body(lines, piece, {}, out, ender);
}

std::optional<ParseError> parse(std::string_view text, Template& out, const ParseOptions& options) {
  out = {};
  out.form = options.form;
  out.escape = options.escape;
  if (text.size() > kOutputBytesMax)
    return ParseError{0, fmt::format("a template has at most {} bytes", kOutputBytesMax), {}};
  return Parser{text, out, options}.parse();
}

}  // namespace dealwright::rules::liquid
