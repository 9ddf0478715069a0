// Reads texts as a test writes them and prints what came of it.
#pragma once

#include <zlib.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "connectors/import/import_source.h"

namespace dealwright::import {

// "1@2 Id=7 Name=x" for a row: number @ line, filled columns; "bad 2@3 bad_csv: ..."; "error: ...".
inline std::string print_rows(RowReader& reader) {
  std::string out;
  Row row;
  std::vector<BadRow> bad;
  for (;;) {
    bad.clear();
    auto found = reader.next(row, bad);
    for (const auto& b : bad) {
      out += "bad " + std::to_string(b.row) + "@" + std::to_string(b.line) + ' ' + b.code + ": " +
             b.detail + '\n';
    }
    if (!found) return out + "error: " + found.error().detail + '\n';
    if (!found.value()) return out;
    out += std::to_string(row.number) + "@" + std::to_string(row.line);
    for (std::size_t i = 0; i < reader.columns().size(); ++i) {
      const auto value = row.value(i);
      if (!value.empty()) out += ' ' + reader.columns().name(i) + '=' + std::string{value};
    }
    out += '\n';
  }
}

inline std::string print(const Event& event) {
  std::string out = event.id + ' ' + (event.time ? to_short_text(*event.time) : "-") + ' ' +
                    std::string{event.type_name()} + ' ' + to_text(event.subject);
  for (const auto& [field, value] : event.data) {
    out += ' ' + std::string{field_name(field)} + '=';
    if (const auto* money = value.as_money())
      out += to_text(*money);
    else if (const auto* text = value.as_text())
      out += *text;
    else
      out += to_json(value);
  }
  for (const auto& [name, value] : event.extra) out += " +" + name + '=' + to_json(value);
  return out;
}

struct Imported {
  std::vector<Event> events;
  std::vector<BadRow> bad;
  std::string error;
  ImportProgress progress;
};

inline Imported import_all(std::string bytes, const Mapping& mapping, ImportOptions options = {}) {
  Imported out;
  auto input = open_text(std::move(bytes));
  if (!input) {
    out.error = input.error().detail;
    return out;
  }
  auto source = ImportSource::open(std::move(input.value()), mapping, std::move(options));
  if (!source) {
    out.error = source.error().detail;
    return out;
  }
  for (;;) {
    auto more = source.value()->next(out.events, out.bad);
    if (!more) out.error = more.error().detail;
    if (!more || !more.value()) break;
  }
  out.progress = source.value()->progress();
  return out;
}

// All of it, a line each, without the two import events.
inline std::string print(const Imported& imported) {
  std::string out;
  for (const auto& event : imported.events) {
    if (event.subject.kind != Kind::kImport) out += print(event) + '\n';
  }
  for (const auto& b : imported.bad) {
    out += "bad " + std::to_string(b.row) + "@" + std::to_string(b.line) + ' ' + b.code +
           (b.column.empty() ? "" : " [" + b.column + "]") + ": " + b.detail +
           (b.hint.empty() ? "" : "; " + b.hint) + '\n';
  }
  if (!imported.error.empty()) out += "error: " + imported.error + '\n';
  return out;
}

inline std::string slurp(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

inline std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace dealwright::import
