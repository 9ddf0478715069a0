#include "connectors/import/csv_reader.h"

#include <gtest/gtest.h>

#include "tests/connectors/import/reading.h"

namespace dealwright::import {
namespace {

std::string read(std::string bytes, CsvOptions options = {}) {
  auto input = open_text(std::move(bytes));
  if (!input) return "error: " + input.error().detail + '\n';
  return print_rows(*make_csv_reader(std::move(input.value()), std::move(options)));
}

struct Case {
  const char* name;
  std::string bytes;
  const char* rows;
};

TEST(CsvReaderTest, ReadsTables) {
  const std::vector<Case> cases = {
      {"plain", "Id,Name\n1,Ann\n2,Bo\n", "1@2 Id=1 Name=Ann\n2@3 Id=2 Name=Bo\n"},
      {"no end of the last line", "Id,Name\n1,Ann", "1@2 Id=1 Name=Ann\n"},
      {"byte order mark", "\xef\xbb\xbfId\n1\n", "1@2 Id=1\n"},
      {"line ends of Windows", "Id,Name\r\n1,Ann\r\n2,Bo\r\n",
       "1@2 Id=1 Name=Ann\n2@3 Id=2 Name=Bo\n"},
      {"line ends of old Macs", "Id,Name\r1,Ann\r2,Bo\r", "1@2 Id=1 Name=Ann\n2@3 Id=2 Name=Bo\n"},
      {"blank lines", "Id\n\n1\n  \n\n2\n", "1@3 Id=1\n2@6 Id=2\n"},
      {"quotes", "Id,Name\n1,\"Ann, \"\"A\"\"\"\n", "1@2 Id=1 Name=Ann, \"A\"\n"},
      {"a value over lines", "Id,Name\n1,\"a\nb\n\nc\"\n2,x\n",
       "1@2 Id=1 Name=a\nb\n\nc\n2@6 Id=2 Name=x\n"},
      {"empty values", "Id,Name,City\n1,,\n,\"\",x\n", "1@2 Id=1\n2@3 City=x\n"},
      {"UTF-8", "Id\nGr\xc3\xbcnwald\n", "1@2 Id=Gr\xc3\xbcnwald\n"},
      {"a column without name", "Id,\n1,x\n", "1@2 Id=1 #2=x\n"},
      {"header only", "Id,Name\n", ""},
      {"header only, no end", "Id,Name", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(read(c.bytes), c.rows) << c.name;
}

TEST(CsvReaderTest, SaysWhatIsWrongAndReadsOn) {
  const std::vector<Case> cases = {
      {"too few", "A,B\n1\n2,3\n",
       "bad 1@2 bad_csv: the row has 1 values, the header 2\n2@3 A=2 B=3\n"},
      {"too many", "A,B\n1,2,3\n4,5\n",
       "bad 1@2 bad_csv: the row has 3 values, the header 2\n2@3 A=4 B=5\n"},
      {"quote inside a value", "A,B\n1,x\"y\"\n2,3\n",
       "bad 1@2 bad_csv: a quote stands inside a value at column 3\n2@3 A=2 B=3\n"},
      {"text behind a quote", "A,B\n1,\"x\"y\n2,3\n",
       "bad 1@2 bad_csv: a quote stands inside a value at column 5\n2@3 A=2 B=3\n"},
      {"quote never closed costs one line", "A,B\n1,\"x\n2,3\n4,5\n",
       "bad 1@2 bad_csv: a quote that opens here is never closed\n2@3 A=2 B=3\n3@4 A=4 B=5\n"},
      {"quote closed by a later value", "A,B\n1,\"x\n2,\"y\"\n3,4\n",
       "bad 1@2 bad_csv: a quote that opens here is closed inside a later value, in line 3\n"
       "2@3 A=2 B=y\n3@4 A=3 B=4\n"},
      {"not UTF-8", "A\nGr\xfcn\nx\n", "bad 1@2 bad_encoding: the row is no UTF-8 text\n2@3 A=x\n"},
      {"empty file", "", "error: the file is empty; its first row names the columns\n"},
      {"two columns alike", "A,B,A\n1,2,3\n",
       "error: line 1: two columns are named 'A'; rename one\n"},
      {"UTF-16",
       std::string("\xff\xfe"
                   "A\0",
                   4),
       "error: the file is UTF-16; save it as CSV UTF-8\n"},
      {"header is no CSV", "A,\"B\"x\n",
       "error: line 1: the header is no CSV: a quote stands inside a value at column 5; put the "
       "whole "
       "value in quotes and write the quote inside twice\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(read(c.bytes), c.rows) << c.name;
}

TEST(CsvReaderTest, TakesOtherSignsAndNames) {
  EXPECT_EQ(read("A;B\n1;'x;y'\n", {';', '\'', {}}), "1@2 A=1 B=x;y\n");
  EXPECT_EQ(read("A\tB\n1\t\"x\ty\"\n", {'\t', '"', {}}), "1@2 A=1 B=x\ty\n");
  EXPECT_EQ(read("1,2\n3,4\n", {',', '"', {"a", "b"}}), "1@1 a=1 b=2\n2@2 a=3 b=4\n");
}

// Chunks end anywhere: between \r and \n, inside quotes, inside a character.
TEST(CsvReaderTest, IsNotMovedByChunks) {
  for (const std::size_t pad : {65'500U, 65'530U, 65'533U, 65'534U, 65'535U, 65'536U, 131'070U}) {
    const std::string filler(pad, 'f');
    const auto rows = read("A,B\r\n1," + filler + "\r\n2,\"x\r\n\xc3\xbc\"\r\n3,z\r\n");
    EXPECT_EQ(rows, "1@2 A=1 B=" + filler + "\n2@3 A=2 B=x\r\n\xc3\xbc\n3@5 A=3 B=z\n") << pad;
  }
}

TEST(CsvReaderTest, RefusesEndlessLines) {
  EXPECT_EQ(read("A\n" + std::string(3U << 20, 'x')),
            "error: line 2 is longer than 1 MiB; is the file CSV?\n");
  std::string open = "A\n\"";
  for (int i = 0; i < 40'000; ++i) open += "0123456789 0123456789 0123456789\n";
  const auto rows = read(open);
  EXPECT_EQ(rows.substr(0, rows.find('\n')),
            "bad 1@2 bad_csv: a quote that opens here is never closed");
  EXPECT_EQ(rows.find("error"), std::string::npos);
}

}  // namespace
}  // namespace dealwright::import
