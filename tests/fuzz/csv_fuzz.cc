// CSV files: any bytes give rows, bad rows or an error.
#include "connectors/import/csv_reader.h"
#include "connectors/import/input.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright::import;
  auto input = open_text(std::string{dealwright::fuzz::text_of(data, size)});
  if (!input) return 0;
  const auto reader = make_csv_reader(std::move(input.value()), CsvOptions{});
  Row row;
  std::vector<BadRow> bad;
  for (int i = 0; i < 10'000; ++i) {
    auto more = reader->next(row, bad);
    if (!more || !more.value()) break;
  }
  return 0;
}
