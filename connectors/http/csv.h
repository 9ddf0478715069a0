// CSV by RFC 4180, for spreadsheets that run what looks like a formula.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/value.h"

namespace dealwright::http {

// Appends one row a time: CRLF ends it, quotes where needed. A text that begins with one of = + - @
// or a tab, CR or LF gets a ' in front; numbers are numbers and stay as they are.
class CsvWriter {
 public:
  explicit CsvWriter(std::string& out) : out_{out} {}
  void cell(const Value& value);
  void text(std::string_view text);
  void number(std::string_view digits);  // as it stands. REQUIRES: a number in decimal digits
  void end_row();

 private:
  void raw(std::string_view text);

  std::string& out_;
  bool first_ = true;
};

}  // namespace dealwright::http
