#include "rules/liquid/scanner.h"

#include <algorithm>
#include <string>

namespace dealwright::rules::liquid {
namespace {

constexpr auto kNone = std::string_view::npos;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The next `}}` or `%}` outside quotes, or anywhere.
std::size_t closing(std::string_view text, std::size_t from, char kind, bool quotes) {
  char quote = 0;
  for (auto at = from; at + 1 < text.size(); ++at) {
    if (quote != 0) {
      if (text[at] == quote) quote = 0;
    } else if (quotes && (text[at] == '"' || text[at] == '\'')) {
      quote = text[at];
    } else if (text[at] == kind && text[at + 1] == '}') {
      return at;
    }
  }
  return kNone;
}

// Tags whose words are free.
bool is_free(std::string_view name) {
  return name == "#" || name == "comment" || name == "doc" || name == "raw" || name == "liquid";
}

}  // namespace

void Scanner::name_of(Piece& piece) const {
  auto at = piece.begin;
  while (at < piece.end && is_space(text_[at])) ++at;
  auto end = at;
  if (at < piece.end && text_[at] == '#') {
    end = at + 1;
  } else {
    while (end < piece.end && is_word(text_[end])) ++end;
  }
  piece.name = text_.substr(at, end - at);
  piece.begin = end;
}

std::optional<ParseError> Scanner::read_braces(Piece& out) {
  const bool tag = text_[at_ + 1] == '%';
  out.kind = tag ? Piece::Kind::kTag : Piece::Kind::kOutput;
  out.offset = at_;
  out.begin = at_ + 2;
  if (out.begin < text_.size() && text_[out.begin] == '-') ++out.begin;
  out.end = text_.size();
  bool quotes = true;
  if (tag) {
    name_of(out);
    quotes = !is_free(out.name);
  }
  const auto close = closing(text_, out.begin, tag ? '%' : '}', quotes);
  if (close == kNone) {
    return ParseError{at_, tag ? "'{%' is not closed" : "'{{' is not closed",
                      tag ? "Write %} behind the tag" : "Write }} behind the value"};
  }
  at_ = close + 2;
  trim_ = close > out.begin && text_[close - 1] == '-';
  out.end = trim_ ? close - 1 : close;
  return std::nullopt;
}

std::optional<ParseError> Scanner::next(Piece& out) {
  out = {};
  if (lines_) return next_line(out);
  out.offset = at_;
  if (at_ >= text_.size()) return std::nullopt;
  auto open = at_;
  while (open != kNone && !(open + 1 < text_.size() && text_[open] == '{' &&
                            (text_[open + 1] == '{' || text_[open + 1] == '%')))
    open = open + 1 < text_.size() ? text_.find('{', open + 1) : kNone;
  if (open == at_) return read_braces(out);
  out.kind = Piece::Kind::kText;
  out.begin = at_;
  out.end = std::min(open, text_.size());
  at_ = out.end;
  if (trim_) {
    while (out.begin < out.end && is_space(text_[out.begin])) ++out.begin;
  }
  trim_ = false;
  if (open != kNone && open + 2 < text_.size() && text_[open + 2] == '-') {
    while (out.end > out.begin && is_space(text_[out.end - 1])) --out.end;
  }
  return out.begin < out.end ? std::nullopt : next(out);
}

std::optional<ParseError> Scanner::next_line(Piece& out) {
  while (at_ < text_.size()) {
    const auto end = std::min(text_.find('\n', at_), text_.size());
    Piece line{Piece::Kind::kTag, at_, end, at_, {}};
    at_ = std::min(end + 1, text_.size());
    while (line.begin < end && is_space(text_[line.begin])) ++line.begin;
    while (line.end > line.begin && is_space(text_[line.end - 1])) --line.end;
    if (line.begin == line.end) continue;
    line.offset = line.begin;
    name_of(line);
    if (line.name == "#") continue;
    out = line;
    return std::nullopt;
  }
  out.offset = text_.size();
  return std::nullopt;
}

std::optional<ParseError> Scanner::take_raw(const Piece& opener, Piece& out) {
  const auto begin = at_;
  const bool trims = trim_;
  const auto ender = "end" + std::string{opener.name};
  for (auto at = text_.find("{%", begin); at != kNone; at = text_.find("{%", at + 2)) {
    Piece tag{Piece::Kind::kTag, at + 2, text_.size(), at, {}};
    const bool trims_before = tag.begin < text_.size() && text_[tag.begin] == '-';
    if (trims_before) ++tag.begin;
    name_of(tag);
    if (tag.name != ender) continue;
    auto close = tag.begin;
    while (close < text_.size() && is_space(text_[close])) ++close;
    const bool trims_behind = close < text_.size() && text_[close] == '-';
    if (trims_behind) ++close;
    if (text_.substr(close, 2) != "%}") continue;
    out = {Piece::Kind::kText, begin, at, begin, {}};
    while (trims && out.begin < out.end && is_space(text_[out.begin])) ++out.begin;
    while (trims_before && out.end > out.begin && is_space(text_[out.end - 1])) --out.end;
    at_ = close + 2;
    trim_ = trims_behind;
    return std::nullopt;
  }
  return ParseError{opener.offset, "'" + std::string{opener.name} + "' is not closed",
                    "Write {% " + ender + " %}"};
}

std::optional<ParseError> Scanner::skip_comment(const Piece& opener) {
  for (int depth = 1; depth > 0;) {
    Piece piece;
    if (lines_) {
      static_cast<void>(next_line(piece));
    } else {
      const auto open = text_.find("{%", at_);
      if (open != kNone) {
        at_ = open;
        if (auto error = read_braces(piece)) return error;
      }
    }
    if (piece.kind == Piece::Kind::kEnd)
      return ParseError{opener.offset, "'comment' is not closed", "Write {% endcomment %}"};
    if (piece.name == "comment") ++depth;
    if (piece.name == "endcomment") --depth;
    if (piece.name == "raw" && !lines_) {
      Piece passed;
      if (auto error = take_raw(piece, passed)) return error;
    }
  }
  return std::nullopt;
}

}  // namespace dealwright::rules::liquid
