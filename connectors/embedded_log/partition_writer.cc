#include "connectors/embedded_log/partition_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/planted.h"

namespace dealwright::embedded_log {
PartitionWriter::PartitionWriter(FileSystem& files, const Clock& clock, std::string directory,
                                 const WriterLimits& limits, AtPoint at_point,
                                 PartitionReader& reader, OpenSegment last)
    : files_{files},
      clock_{clock},
      directory_{std::move(directory)},
      limits_{limits},
      at_point_{std::move(at_point)},
      reader_{reader},
      last_{std::move(last)},
      seed_{frame_seed(last_.segment.header.log_id, last_.segment.header.partition)},
      thread_{[this] { loop(); }} {}

PartitionWriter::PartitionWriter(FileSystem& files, const Clock& clock, PartitionReader& reader,
                                 Error stopped)
    : files_{files},
      clock_{clock},
      limits_{},
      reader_{reader},
      stopped_{std::move(stopped)},
      thread_{[this] { loop(); }} {}

PartitionWriter::~PartitionWriter() {
  {
    const std::lock_guard lock{mutex_};
    closing_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void PartitionWriter::point(std::string_view name) const {
  if (at_point_) at_point_(name);
}

void PartitionWriter::append(Topic topic, std::vector<std::string> records, Log::Done done,
                             bool soon) {
  DW_ASSERT(!records.empty());
  Pending append{topic, std::move(records), std::move(done), soon, 0, {}, {}};
  for (const auto& record : append.records) {
    DW_ASSERT(!record.empty() && record.size() <= kRecordBytesMax);
    append.bytes += kFrameBytes + record.size();
  }
  bool wanted = false;
  {
    const std::lock_guard lock{mutex_};
    if (stopped_) {
      append.refused = *stopped_;
    } else if (closing_) {
      append.refused = Error{Code::kClosed, "the log is being closed"};
    } else if (queued_bytes_ + append.bytes > limits_.queue_bytes_max) {
      append.refused = Error{Code::kOverload,
                             fmt::format("{} bytes wait to be written, {} may", queued_bytes_,
                                         limits_.queue_bytes_max),
                             true};
    } else {
      queued_bytes_ += append.bytes;
    }
    if (append.refused) append.records.clear();
    append.soon = soon && !append.refused && queued_bytes_ < limits_.group_bytes_max;
    wanted = queue_.empty() || (!append.soon && urgent_ == 0);
    urgent_ += append.soon ? 0 : 1;
    queue_.push_back(std::move(append));
  }
  if (wanted) changed_.notify_one();
  point("append.queued");
}

void PartitionWriter::listen(std::function<void()> wake) {
  const std::lock_guard lock{listener_mutex_};
  listener_ = std::move(wake);
}

void PartitionWriter::wake() {
  const std::lock_guard lock{listener_mutex_};
  if (listener_) listener_();
}

std::optional<Error> PartitionWriter::stopped() const {
  const std::lock_guard lock{mutex_};
  return stopped_;
}

std::uint64_t PartitionWriter::queued_bytes() const {
  const std::lock_guard lock{mutex_};
  return queued_bytes_;
}

void PartitionWriter::stop(const Error& reason) {
  {
    const std::lock_guard lock{mutex_};
    if (stopped_) return;
    stopped_ =
        Error{Code::kDamaged, fmt::format("{}: takes nothing more until it is opened again: {}",
                                          directory_, reason.detail)};
  }
  wake();
}

void PartitionWriter::loop() {
  for (;;) {
    auto group = take();
    if (group.empty()) break;
    commit(group);
  }
  seal();
}

// What needs no hurry is left for others to come to it: a sync of its own costs as much as theirs.
void PartitionWriter::wait_for_appends(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [&] { return closing_ || !queue_.empty(); });
  if (urgent_ > 0) return;
  changed_.wait_for(lock, std::chrono::milliseconds{limits_.soon.ms},
                    [&] { return closing_ || urgent_ > 0; });
}

// Waits for appends and takes what is queued, up to the size of a group. Empty: the end.
std::deque<PartitionWriter::Pending> PartitionWriter::take() {
  std::unique_lock lock{mutex_};
  wait_for_appends(lock);
  std::deque<Pending> group;
  std::uint64_t bytes = 0;
  while (!queue_.empty() &&
         (group.empty() || bytes + queue_.front().bytes <= limits_.group_bytes_max)) {
    bytes += queue_.front().bytes;
    urgent_ -= queue_.front().soon ? 0 : 1;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

void PartitionWriter::commit(std::deque<Pending>& group) {
  Run run = start_run();
  for (auto& append : group) {
    if (append.refused) {
      append.done(*append.refused);
      continue;
    }
    if (!fits(run, append)) {
      flush(run);
      if (auto ready = make_room(append); !ready) {
        give_up(append, ready.error());
        continue;
      }
      run = start_run();
    }
    add_to(run, append);
  }
  flush(run);
}

PartitionWriter::Run PartitionWriter::start_run() const {
  return Run{{}, std::make_shared<std::string>(), {}, last_.end, 0};
}

// An append lies in one segment, so that it can be cut back as a whole; one larger than a segment
// gets a larger segment.
bool PartitionWriter::fits(const Run& run, const Pending& append) const {
  return run.end.offset + append.bytes <= limits_.segment_bytes &&
         run.frames + append.records.size() <= kGroupMax;
}

// Goes to a new segment if `append` has no room in this one.
Result<void> PartitionWriter::make_room(const Pending& append) {
  if (const auto why = stopped()) return *why;
  if (last_.end.offset == kHeaderBytes) return ok();
  if (last_.end.offset + append.bytes <= limits_.segment_bytes) return ok();
  return rotate();
}

void PartitionWriter::add_to(Run& run, Pending& append) const {
  auto& bytes = *run.bytes;
  bytes.reserve(bytes.size() + append.bytes);
  if (run.appends.empty()) run.marks.push_back(run.end);
  append.positions.reserve(append.records.size());
  for (const auto& record : append.records) {
    if (run.end.offset >= run.marks.back().offset + PartitionReader::kMarkBytes) {
      run.marks.push_back(run.end);
    }
    append.positions.push_back(run.end.positions[static_cast<std::size_t>(append.topic)]);
    append_frame(bytes, run.end, kind_of(append.topic), run.frames++, record, seed_);
  }
  append.records.clear();
  run.appends.push_back(&append);
}

// Makes `run` durable and answers its appends, or says why not; then starts it anew.
void PartitionWriter::flush(Run& run) {
  if (!run.appends.empty()) {
    auto written = write(run);
    if (!written) {
      for (auto* append : run.appends) give_up(*append, written.error());
    } else {
      last_.end = run.end;
      last_.sealed = false;
      reader_.publish(run.end, std::move(run.bytes), run.marks);
      for (auto* append : run.appends) settle(*append, std::move(append->positions));
      point("append.acknowledged");
      wake();
    }
  }
  run = start_run();
}

void PartitionWriter::settle(Pending& append, Result<std::vector<Position>> outcome) {
  {
    const std::lock_guard lock{mutex_};
    queued_bytes_ -= append.bytes;
  }
  append.done(std::move(outcome));
}

void PartitionWriter::give_up(Pending& append, const Error& error) { settle(append, error); }

// kNoSpace: surely not there. kUnknownOutcome: perhaps, and the partition has stopped. Any other:
// surely not there, and the partition has stopped.
Result<void> PartitionWriter::write(const Run& run) {
  if (const auto why = stopped()) return *why;
  DW_TRY(ensure_allocated(run.end.offset));
  auto written = last_.file->write_at(last_.end.offset, *run.bytes);
  if (!written && written.error().code == Code::kNoSpace && cut_back()) {
    return Error{Code::kNoSpace, written.error().detail, true};
  }
  if (written) {
    point("append.written");
    const auto begun = clock_.steady_us();
    // Planted bug 1: acknowledged before it is synced.
    if (!DW_PLANTED(1)) written = last_.file->sync();
    if (written && limits_.meter != nullptr) {
      const auto events = run.end.positions[static_cast<std::size_t>(Topic::kEvents)];
      limits_.meter->synced(last_.segment.header.partition, clock_.steady_us() - begun, events);
    }
  }
  if (!written) {
    stop(written.error());
    return Error{Code::kUnknownOutcome, fmt::format("perhaps written: {}", written.error().detail)};
  }
  point("append.synced");
  return ok();
}

// A segment gets its blocks piece by piece, ahead of what is written to them, so that nothing is
// written in part on a disk that fills up.
Result<void> PartitionWriter::ensure_allocated(std::uint64_t end) {
  if (end <= last_.allocated) return ok();
  const auto ahead = std::max(end, std::min(limits_.segment_bytes, end + limits_.ahead_bytes));
  auto reserved = last_.file->preallocate(ahead);
  if (reserved) {
    last_.allocated = ahead;
    return ok();
  }
  if (reserved.error().code == Code::kNoSpace && last_.file->truncate(last_.allocated)) {
    reserved = last_.file->preallocate(end);  // the last that there is
    if (reserved) {
      last_.allocated = end;
      return ok();
    }
  }
  if (reserved.error().code == Code::kNoSpace) {
    // Gives back what it got; if even that fails, the zeros do no harm.
    static_cast<void>(last_.file->truncate(last_.allocated));
    return Error{Code::kNoSpace, reserved.error().detail, true};
  }
  stop(reserved.error());
  return *stopped();
}

// Durably takes off what a failed write left behind the last frame.
Result<void> PartitionWriter::cut_back() {
  DW_TRY(last_.file->truncate(last_.end.offset));
  last_.allocated = last_.end.offset;
  return last_.file->sync();
}

Result<void> PartitionWriter::rotate() {
  point("rotate.begin");
  const auto& before = last_.segment.header;
  const SegmentHeader header{before.partition,    before.log_id,         last_.end.sequence,
                             last_.end.positions, before.first_sequence, clock_.wall(),
                             last_.end.link};
  const auto path = directory_ + "/" + segment_name(header.first_sequence);
  auto created = create_segment(files_, directory_, header, at_point_);
  if (!created) {
    if (created.error().code == Code::kNoSpace) {
      static_cast<void>(files_.remove(path + ".tmp"));  // else removed at the next try
      return Error{Code::kNoSpace, created.error().detail, true};
    }
    stop(created.error());
    return *stopped();
  }
  last_.segment =
      SegmentFile{path, header, first_place(header, encode_header(header)), kHeaderBytes};
  last_.file = std::move(created).value();
  last_.end = last_.segment.first;
  last_.allocated = kHeaderBytes;
  last_.sealed = false;
  reader_.add_segment(last_.segment, last_.file);
  return ok();
}

// Marks the end of a log that was closed in order, so that damage to its last frames is told from
// an unfinished write. Without it (a full disk, say) the log is as after a kill.
void PartitionWriter::seal() {
  if (!last_.file || stopped() || last_.sealed || last_.end.offset == kHeaderBytes) return;
  std::string bytes;
  Place end = last_.end;
  append_frame(bytes, end, Kind::kSeal, 0, {}, seed_);
  if (!last_.file->write_at(last_.end.offset, bytes) || !last_.file->sync()) {
    static_cast<void>(cut_back());
  }
}

}  // namespace dealwright::embedded_log
