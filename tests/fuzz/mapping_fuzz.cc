// Import mappings: any text is a mapping or gets its faults listed; a mapping takes any row.
#include "connectors/import/import_source.h"
#include "connectors/import/mapping.h"
#include "tests/fuzz/fuzz.h"

namespace dealwright::import {
namespace {

// A table that has the columns the mapping asks for.
std::string table_for(const Mapping& mapping) {
  std::string header;
  std::string row;
  for (const auto& name : mapping.names.columns) {
    header += (header.empty() ? "" : ",") + std::string{"\""} + name + '"';
    row += row.empty() ? "2026-03-02" : ",7";
  }
  return header + '\n' + row + '\n' + row + '\n';
}

void import_with(Mapping mapping) {
  mapping.format = Mapping::Format::kCsv;
  mapping.csv = CsvOptions{};
  auto input = open_text(table_for(mapping));
  if (!input) return;
  ImportOptions options;
  options.batch.batch_time = Instant{1'780'000'000'000};
  auto source = ImportSource::open(std::move(input.value()), std::move(mapping), options);
  if (!source) return;
  std::vector<Event> events;
  std::vector<BadRow> bad;
  for (;;) {
    auto more = source.value()->next(events, bad);
    if (!more || !more.value()) return;
  }
}

}  // namespace
}  // namespace dealwright::import

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright;
  auto mapping = import::parse_mapping(fuzz::text_of(data, size), "fuzz");
  if (mapping) import::import_with(std::move(mapping.value()));
  return 0;
}
