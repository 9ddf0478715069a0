// A record's timeline over all partitions that know of it: what happened to it and what was decided
// about it. The partition's own thread gives the index; log records are read beside it, a page of
// them at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/workspace.h"
#include "engine/ports/view.h"

namespace dealwright::daemon {

std::vector<ViewColumn> timeline_columns();

struct TimelinePage {
  ViewRows rows;
  std::string last;  // go on behind this place; "": that was the end
};
// By when it happened; what comes in late, in front of `after`, is in no page behind it. kNotFound;
// kInvalid: no such place.
Result<TimelinePage> timeline_page(Workspace& workspace, const RecordKey& key,
                                   std::string_view after, std::size_t limit);
// All of it.
Result<ViewRows> timeline_rows(Workspace& workspace, const RecordKey& key);

// How much of it somebody was told, by partition: in the order in which it was folded.
class TimelineTold {
 public:
  // "0:12.0,3:4.1": partition, entries of its history, those of them that were taken back. None: it
  // is no such text.
  static std::optional<TimelineTold> parse(std::string_view text);
  std::string text() const;

 private:
  friend struct TimelineReader;
  struct Part {
    std::uint64_t entries = 0;
    std::uint64_t marked = 0;
  };
  std::map<PartitionId, Part> parts_;
};

struct TimelineNews {
  bool reset = false;  // what was told stands no more: the rows begin anew
  std::vector<std::pair<std::vector<Value>, std::string>> rows;  // TimelineTold behind it, if any
  bool more = false;
};
// What was folded since `told`, about `most` rows of it, and moves `told` on. kNotFound.
Result<TimelineNews> timeline_news(Workspace& workspace, const RecordKey& key, TimelineTold& told,
                                   std::size_t most);

}  // namespace dealwright::daemon
