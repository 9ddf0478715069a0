#include "engine/runtime/verify.h"

#include "engine/codec/decision_codec.h"
#include "engine/runtime/chain.h"
#include "engine/runtime/replay.h"

namespace dealwright::runtime {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

class Walk {
 public:
  Walk(const NextRecord& next_event, const NextRecord& next_decision)
      : next_event_{next_event}, next_decision_{next_decision} {}

  Result<ChainReport> run() {
    for (;;) {
      DW_TRY(const auto record, next_decision_());
      if (!record) break;
      DW_TRY(take(*record));
      if (report_.damage) break;
    }
    if (gap_) report_.damage = gap_;  // the first, whatever else followed from it
    report_.decided = meta_.events;
    return report_;
  }

 private:
  static Error error(Position position, std::string_view why) {
    return {Code::kDamaged,
            "decision record " + std::to_string(position) + ": " + std::string{why}};
  }
  void damaged(Position position, std::string_view why) { report_.damage = error(position, why); }

  Result<void> take(const LogRecord& at) {
    DecisionRecord record;
    if (auto read = codec::decode(at.bytes, record); !read) {
      report_.damage = Error{read.error().code, "decision record " + std::to_string(at.position) +
                                                    ": " + read.error().detail};
      return ok();
    }
    const auto& header = record.header;
    const bool claim = std::holds_alternative<LeaderClaim>(record.body);
    const bool first = !std::exchange(begun_, true) && at.position > 0;
    if (first) {
      report_.trusts_first = true;
    } else if (accept(meta_, header, claim) == Acceptance::kIgnored) {
      ++report_.ignored;
      if (behind_a_gap(meta_, header, claim) && !gap_) {
        gap_ = error(at.position,
                     "records of its leader before it are missing; if a disk was full then, let "
                     "the engine open the log, which decides anew, and verify again");
      }
      if (const auto why = impossible(meta_, header, claim); !why.empty()) {
        damaged(at.position, why);
      }
      return ok();
    } else if (claim && header.sequence != 0) {
      damaged(at.position, "a leader's claim has another sequence than 0");
      return ok();
    } else if (header.now < meta_.now && header.clock_epoch == meta_.clock_epoch) {
      damaged(at.position, "its time lies before that of the record before");
      return ok();
    }
    DW_TRY(cover(header, at.position, first));
    if (report_.damage) return ok();
    ++report_.accepted;
    if (claim) gap_.reset();
    meta_.now = header.now;
    meta_.clock_epoch = header.clock_epoch;
    meta_.term = header.term;
    meta_.claim = header.claim;
    meta_.sequence = header.sequence + 1;
    meta_.events = header.through;
    meta_.chain = sha256(at.bytes);
    return ok();
  }

  // Reads the events that `header` covers and holds their hash against it.
  Result<void> cover(const DecisionHeader& header, Position position, bool on_trust) {
    if (on_trust) {
      while (meta_.events < header.through) {
        DW_TRY(const auto event, event_before(header.through));
        if (!event) break;
        meta_.events = event->position + 1;
      }
      return ok();
    }
    Chain chain{meta_.chain};
    for (std::uint32_t i = 0; i < header.event_count; ++i) {
      DW_TRY(const auto event, event_before(header.through));
      if (!event) {
        damaged(position, "events that it covers are missing");
        return ok();
      }
      chain.add_event(event->bytes);
      ++report_.covered;
    }
    DW_TRY(const auto more, event_before(header.through));
    if (more) {
      damaged(position, "there are more events than it covers");
    } else if (chain.finish() != header.chain) {
      damaged(position,
              "the hash chain is broken: it, the record before or an event that it covers was "
              "changed");
    }
    return ok();
  }

  // The next event, if it lies before `through`; else it waits for the next call.
  Result<std::optional<LogRecord>> event_before(Position through) {
    if (!waiting_) {
      DW_TRY(auto next, next_event_());
      waiting_ = next;
    }
    if (!waiting_ || waiting_->position >= through) return std::optional<LogRecord>{};
    return std::exchange(waiting_, std::nullopt);
  }

  const NextRecord& next_event_;
  const NextRecord& next_decision_;
  std::optional<LogRecord> waiting_;
  bool begun_ = false;
  std::optional<Error> gap_;
  Meta meta_;
  ChainReport report_;
};

}  // namespace

Result<ChainReport> verify_chain(const NextRecord& next_event, const NextRecord& next_decision) {
  return Walk{next_event, next_decision}.run();
}

NextRecord records_of(Log& log, Topic topic, PartitionId partition) {
  struct At {
    std::optional<Position> from;
    LogBatch batch;
    std::size_t next = 0;
  };
  auto at = std::make_shared<At>();
  return [&log, topic, partition, at]() -> Result<std::optional<LogRecord>> {
    if (!at->from) {
      DW_TRY(auto begin, log.begin(topic, partition));
      at->from = begin;
    }
    if (at->next >= at->batch.records.size()) {
      DW_TRY(auto batch, log.read(topic, partition, *at->from, kReadBytes));
      at->batch = std::move(batch);
      at->next = 0;
      at->from = at->batch.next;
      if (at->batch.records.empty()) return std::optional<LogRecord>{};
    }
    return std::optional{at->batch.records[at->next++]};
  };
}

}  // namespace dealwright::runtime
