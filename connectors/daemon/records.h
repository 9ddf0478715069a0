// Records as people read them: what the command line and the API show.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/across.h"
#include "connectors/daemon/workspace.h"
#include "engine/ports/view.h"

namespace dealwright::daemon {

// Current values by name; custom and undeclared ones below `custom` and `extra`.
Map fields_of(const Record& record);
// All that is known of a record, with what is odd about it. kNotFound.
Result<Map> describe_record(Workspace& workspace, const RecordKey& key, const PastInstant& at = {});

struct RecordFilter {
  Kind kind = Kind::kForeign;
  std::string state;  // or stage
  std::string owner;
  std::string after;       // ids behind this one
  std::size_t limit = 50;  // rows
};
struct RecordPage {
  ViewRows rows;
  std::string last;  // go on behind this id; "": this is the end
};
// In the order of their ids. A page looks at a bounded number of records, so that one of a filter
// that few pass may be short, or empty, and go on all the same.
Result<RecordPage> list_records(Workspace& workspace, const RecordFilter& filter);
// kInvalid, with what is near.
Result<Kind> parse_kind(std::string_view text);

}  // namespace dealwright::daemon
