#include "connectors/http/csv.h"

namespace dealwright::http {

void CsvWriter::raw(std::string_view text) {
  if (!first_) out_ += ',';
  first_ = false;
  if (text.find_first_of("\",\r\n") == std::string_view::npos) {
    out_ += text;
    return;
  }
  out_ += '"';
  for (const char c : text) {
    if (c == '"') out_ += '"';
    out_ += c;
  }
  out_ += '"';
}

void CsvWriter::text(std::string_view text) {
  if (!text.empty() && std::string_view{"=+-@\t\r\n"}.find(text[0]) != std::string_view::npos) {
    raw('\'' + std::string{text});
  } else {
    raw(text);
  }
}

void CsvWriter::number(std::string_view digits) { raw(digits); }

void CsvWriter::cell(const Value& value) {
  if (value.absent() || value.null()) {
    raw({});
  } else if (const auto* words = value.as_text()) {
    text(*words);
  } else if (value.as_instant() != nullptr || value.as_date() != nullptr) {
    const auto quoted = to_json(value);
    raw(std::string_view{quoted}.substr(1, quoted.size() - 2));
  } else {
    raw(to_json(value));
  }
}

void CsvWriter::end_row() {
  out_ += "\r\n";
  first_ = true;
}

}  // namespace dealwright::http
