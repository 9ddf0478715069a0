// How commands print: tables and lines for people, JSON for programs.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "connectors/cli/context.h"

namespace dealwright::cli {
namespace {

constexpr std::size_t kBarWidth = 24;

std::string cell_text(const Value& value) {
  if (value.null() || value.absent()) return "-";
  if (const auto* text = value.as_text()) return *text;
  if (const auto* at = value.as_instant()) return to_short_text(*at);
  if (const auto* money = value.as_money()) return to_text(*money);
  return to_json(value);
}

// Columns wide enough; code points, not bytes.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// Headings stand out on a terminal, unless somebody asked for plain text (no-color.org).
bool may_style() {
  if (::isatty(STDOUT_FILENO) == 0) return false;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') &&
         (term == nullptr || std::string_view{term} != "dumb");
}

void print_json(const ViewRows& rows) {
  for (const auto& row : rows.rows) {
    std::string line = "{";
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += ',';
      append_json_string(line, rows.columns[i].name);
      line += ':';
      append_json(line, row[i]);
    }
    std::cout << line << "}\n";
  }
}

}  // namespace

void Context::print(const ViewRows& rows) const {
  if (json) return print_json(rows);
  std::vector<std::size_t> widths;
  for (const auto& column : rows.columns) widths.push_back(width_of(column.name));
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows.rows) {
    auto& line = cells.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      line.push_back(cell_text(row[i]));
      widths[i] = std::max(widths[i], width_of(line.back()));
    }
  }
  const auto put = [&](std::size_t column, const std::string& text, bool right) {
    const std::string pad(widths[column] - width_of(text), ' ');
    std::cout << (column > 0 ? "  " : "") << (right ? pad + text : text);
    if (!right && column + 1 < widths.size()) std::cout << pad;
  };
  const auto right = [&](std::size_t column) {
    const auto& type = rows.columns[column].type;
    return type == "int" || type == "rate" || type == "money";
  };
  const bool styled = may_style();
  if (styled) std::cout << "\x1b[1m";
  for (std::size_t i = 0; i < rows.columns.size(); ++i) put(i, rows.columns[i].name, right(i));
  std::cout << (styled ? "\x1b[0m\n" : "\n");
  for (const auto& line : cells) {
    for (std::size_t i = 0; i < line.size(); ++i) put(i, line[i], right(i));
    std::cout << '\n';
  }
  if (cells.empty()) std::cout << "(nothing)\n";
}

void Context::print_line(std::string_view text) const {
  if (!json) std::cout << text << '\n';
}

void Context::print_object(const Map& object) const {
  if (json) {
    std::cout << to_json(Value{object}) << '\n';
    return;
  }
  for (const auto& [name, value] : object) std::cout << name << ": " << cell_text(value) << '\n';
}

void Context::print_error(const Error& error, std::optional<int> exit) const {
  std::cout.flush();
  if (json) {
    std::cerr << to_json(Value{Map{{"code", Value{code_name(error.code)}},
                                   {"detail", Value{error.detail}},
                                   {"exit", Value{exit.value_or(exit_code_of(error.code))}}}})
              << '\n';
  } else {
    std::cerr << "dealwright: " << error.detail << '\n';
  }
}

void Context::progress(std::string_view text) const {
  if (json || ::isatty(STDERR_FILENO) == 0) return;
  std::cerr << '\r' << text << "\x1b[K" << std::flush;
}

void Context::progress(std::string_view text, std::uint64_t done, std::uint64_t of) const {
  const auto part =
      of == 0 ? 1.0 : static_cast<double>(std::min(done, of)) / static_cast<double>(of);
  const auto full = static_cast<std::size_t>(part * static_cast<double>(kBarWidth));
  progress("[" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "] " +
           std::to_string(static_cast<int>(part * 100)) + " %  " + std::string{text});
}

void Context::progress_done() const {
  if (json || ::isatty(STDERR_FILENO) == 0) return;
  std::cerr << "\r\x1b[K" << std::flush;
}

}  // namespace dealwright::cli
