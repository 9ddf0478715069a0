#include "connectors/import/import_source.h"

#include <limits>

#include "connectors/import/csv_reader.h"
#include "connectors/import/xes_reader.h"

namespace dealwright::import {
namespace {

constexpr std::size_t kRowsPerCall = 4'096;
constexpr std::uint32_t kNoRow = std::numeric_limits<std::uint32_t>::max();

std::unique_ptr<RowReader> make_reader(const Mapping& mapping, std::unique_ptr<Input> input) {
  if (mapping.format == Mapping::Format::kXes) return make_xes_reader(std::move(input));
  return make_csv_reader(std::move(input), mapping.csv);
}

}  // namespace

ImportSource::ImportSource(std::unique_ptr<Input> input, Mapping mapping, ImportOptions options)
    : mapping_{std::move(mapping)},
      options_{std::move(options)},
      mapper_{mapping_, options_.batch},
      reader_{make_reader(mapping_, std::move(input))},
      store_{options_.rows_bytes_max},
      phase_{mapping_.by_time ? Phase::kLoad : Phase::kOpen},
      stored_row_{kNoRow} {}

Result<std::unique_ptr<ImportSource>> ImportSource::open(std::unique_ptr<Input> input,
                                                         Mapping mapping, ImportOptions options) {
  if (mapping.undated_batch_time && !options.batch.batch_time) {
    return Error{Code::kInvalid, mapping.name +
                                     " sets undated: batch_time, but the batch has no time; "
                                     "import on the wall clock, or set undated: keep"};
  }
  const bool drips = options.batch.policy == Policy::kDrip ||
                     (options.batch.policy == Policy::kUnset && mapping.policy == Policy::kDrip);
  if (drips && options.batch.rate == 0 && mapping.rate == 0)
    return Error{Code::kInvalid, "drip needs a rate: entries an hour"};
  return std::unique_ptr<ImportSource>{
      new ImportSource(std::move(input), std::move(mapping), std::move(options))};
}

ImportProgress ImportSource::progress() const {
  auto out = progress_;
  out.bytes_read = reader_->bytes_read();
  out.bytes_total = reader_->bytes_total();
  return out;
}

Result<bool> ImportSource::next(std::vector<Event>& out, std::vector<BadRow>& bad) {
  const auto bad_before = bad.size();
  auto more = step(out, bad);
  progress_.bad_rows += bad.size() - bad_before;
  if (!more) phase_ = Phase::kEnd;
  return more;
}

Result<bool> ImportSource::step(std::vector<Event>& out, std::vector<BadRow>& bad) {
  switch (phase_) {
    case Phase::kLoad: {
      DW_TRY(load_rows(bad));
      return true;
    }
    case Phase::kOpen:
      announce(out);
      phase_ = Phase::kRows;
      return true;
    case Phase::kRows: {
      DW_TRY(mapping_.by_time ? emit_sorted(out, bad) : emit_rows(out, bad));
      return true;
    }
    case Phase::kClose: {
      auto closed = marker(TypeId::kImportClosed, progress_.rows + 1);
      closed.time = options_.batch.batch_time ? options_.batch.batch_time : last_time_;
      push(std::move(closed), out);
      phase_ = Phase::kEnd;
      return false;
    }
    case Phase::kEnd:
      return false;
  }
  return false;
}

Result<bool> ImportSource::read_row(std::vector<BadRow>& bad) {
  const auto bad_before = bad.size();
  DW_TRY(auto found, reader_->next(row_, bad));
  progress_.rows += bad.size() - bad_before + (found ? 1 : 0);
  if (!bound_ && (found || mapping_.format == Mapping::Format::kCsv)) {
    bound_ = true;
    DW_TRY(mapper_.bind(reader_->columns(), mapping_.format == Mapping::Format::kCsv));
  }
  return found;
}

Result<void> ImportSource::load_rows(std::vector<BadRow>& bad) {
  for (std::size_t i = 0; i < kRowsPerCall; ++i) {
    DW_TRY(auto found, read_row(bad));
    if (!found) {
      // A process log has shown all its columns by now.
      if (progress_.rows > 0) {
        DW_TRY(mapper_.bind(reader_->columns(), true));
      }
      store_.sort();
      progress_.events_planned = store_.size() + mapping_.before.size() + 2;
      phase_ = Phase::kOpen;
      return ok();
    }
    planned_.clear();
    if (mapper_.plan(row_, planned_, bad)) {
      DW_TRY(store_.add(row_, planned_));
    }
  }
  return ok();
}

Event ImportSource::marker(TypeId type, std::uint64_t row) const {
  Event event;
  event.source = mapper_.source();
  event.id = mapper_.batch() + ":" + std::to_string(row) + ":0";
  event.type = type;
  event.subject = {Kind::kImport, mapper_.batch()};
  event.actor = "system/import";
  event.import_batch = mapper_.batch();
  event.policy = mapper_.policy();
  return event;
}

void ImportSource::announce(std::vector<Event>& out) {
  auto before = mapper_.before();
  auto opened = marker(TypeId::kImportOpened, 0);
  opened.data.append(Field::kRate,
                     mapper_.policy() == Policy::kDrip ? Value{mapper_.rate()} : Value{});
  opened.data.append(Field::kHash, options_.hash.empty() ? Value{} : Value{options_.hash});
  opened.extra = options_.about;
  opened.data.append(Field::kPolicy, Value{policy_name(mapper_.policy())});
  opened.data.normalize();
  // On the clock of the events it opens with the first of them.
  auto first = store_.size() > 0 && store_.planned(0).at != kAfterAll
                   ? std::optional{store_.planned(0).at}
                   : std::nullopt;
  for (const auto& event : before) {
    if (event.time && (!first || *event.time < *first)) first = event.time;
  }
  opened.time = options_.batch.batch_time ? options_.batch.batch_time : first;
  push(std::move(opened), out);
  for (auto& event : before) push(std::move(event), out);
}

void ImportSource::push(Event event, std::vector<Event>& out) {
  event.import_row = ++progress_.events;
  if (event.time && (!last_time_ || *last_time_ < *event.time)) last_time_ = event.time;
  if (event.import_row > options_.skip_to) out.push_back(std::move(event));
}

Result<void> ImportSource::emit_sorted(std::vector<Event>& out, std::vector<BadRow>& bad) {
  for (std::size_t i = 0; i < options_.events_per_call; ++i) {
    if (at_ == store_.size()) {
      phase_ = Phase::kClose;
      return ok();
    }
    const auto index = store_.row_of(at_);
    if (index != stored_row_) {
      store_.load(index, row_);
      stored_row_ = index;
    }
    Event event;
    DW_TRY(auto made, mapper_.make(row_, store_.planned(at_), event, bad));
    ++at_;
    if (made) push(std::move(event), out);
  }
  return ok();
}

Result<void> ImportSource::emit_rows(std::vector<Event>& out, std::vector<BadRow>& bad) {
  for (std::size_t i = 0; i < options_.events_per_call; ++i) {
    DW_TRY(auto found, read_row(bad));
    if (!found) {
      phase_ = Phase::kClose;
      return ok();
    }
    made_.clear();
    DW_TRY(mapper_.map(row_, made_, bad));
    for (auto& event : made_) push(std::move(event), out);
  }
  return ok();
}

}  // namespace dealwright::import
