// What a mapping file says, checked: how the rows of a table or process log become events. The
// language is described in docs/mapping.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/import/conversion.h"
#include "connectors/import/csv_reader.h"
#include "connectors/import/template.h"
#include "connectors/import/zone.h"
#include "engine/domain/event.h"

namespace dealwright::import {

// A test on a column's text.
struct Condition {
  enum class Op : std::uint8_t { kIn, kNotIn, kFilled, kEmpty, kPrefix };
  std::uint32_t column = 0;
  Op op = Op::kIn;
  std::vector<std::string> values;
};

// The records of a kind that a case has had, by the order in which they were made: offers, tasks.
// Those that live are kept; each has a state, `open` at first.
struct RecordList {
  std::string name;
  Template id;  // with @n, the how-manieth of its case
};

// An emit that makes a record.
struct Make {
  std::uint32_t list = 0;
  Template named;
  std::uint8_t state = 0;
  std::optional<std::vector<std::uint8_t>>
      unless;  // only if none so named lives in these (any: empty)
};

// An emit about a living record.
struct Take {
  std::uint32_t list = 0;
  bool newest = false;
  Template named;
  std::vector<std::uint8_t> states;  // the first of them in which one lives; empty: any
  std::optional<std::uint8_t> then;  // its state from now on
  bool ends = false;                 // lives no more
  bool may_lack = false;             // none: no event, instead of a bad row
};

struct DataSpec {
  const FieldSpec* field = nullptr;
  ValueSpec value;
};

struct Emit {
  std::uint16_t number = 0;  // from 1: the n of batch:row:n
  TypeId type = TypeId::kForeignType;
  Template foreign_type;
  std::vector<Condition> when;  // all hold
  bool otherwise = false;       // only if no emit before it matched the row
  bool once = false;            // the first time its subject comes
  Template subject;
  Conversion time;  // without text: undated
  Template actor;
  Template partition_key;
  std::vector<DataSpec> data;
  std::vector<std::pair<std::string, ValueSpec>> extra;
  std::optional<Make> make;
  std::optional<Take> take;
  bool infallible = false;                 // no text of a row can spoil its data
  std::vector<const FieldSpec*> required;  // that a row may leave empty
};

struct Alias {
  std::uint32_t column = 0;
  std::string from;
  std::string to;
};

struct Mapping {
  enum class Format : std::uint8_t { kCsv, kXes };
  std::string name;  // the file's
  std::string id;
  Format format = Format::kCsv;
  CsvOptions csv;
  std::string batch;
  Policy policy = Policy::kSuppress;
  std::int64_t rate = 0;  // of drip: entries an hour
  bool by_time = true;    // emitted by (date, row, n), else row by row
  bool undated_batch_time = false;
  Zone zone;
  Names names;  // columns it speaks of, record lists
  std::vector<std::string> nulls;
  std::vector<Alias> aliases;
  std::vector<std::string> ignore;  // columns that nothing is made of
  bool rest_to_extra = true;        // columns that are neither named nor ignored
  Template case_id;
  std::vector<RecordList> records;
  std::vector<std::string> states;  // of records; 0 is `open`
  std::vector<Event> before;        // go first; without source, id and batch
  std::vector<Emit> emits;
};

// kInvalid: the detail lists all that is wrong, a line each: `name:line:column error IM.. text;
// hint`.
Result<Mapping> parse_mapping(std::string_view text, std::string_view name);

}  // namespace dealwright::import
