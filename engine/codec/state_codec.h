// State as compact bytes: a version, then fields in order. Part of the state format.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/domain/enrolment.h"
#include "engine/domain/record.h"
#include "engine/domain/set_aside.h"

namespace dealwright::codec {

// Each appends; each decode fills `out` anew. kDamaged: not what encode wrote; kUnsupported: of a
// newer version.
void encode(const Record& record, std::string& out);
Result<void> decode(std::string_view bytes, Record& out);
void encode(const Enrolment& enrolment, std::string& out);
Result<void> decode(std::string_view bytes, Enrolment& out);
void encode(const Entry& entry, std::string& out);
Result<void> decode(std::string_view bytes, Entry& out);
void encode(const Effect& effect, std::string& out);
Result<void> decode(std::string_view bytes, Effect& out);
void encode(const SetAside& entry, std::string& out);
Result<void> decode(std::string_view bytes, SetAside& out);

// A full chunk of a record's history with the record as known at its end (design.md 7.6).
struct HistoryChunk {
  std::vector<HistoryEntry> entries;
  Record checkpoint;  // without history
};
void encode_history_chunk(const Record& record, std::string& out);
Result<HistoryChunk> decode_history_chunk(std::string_view bytes);

}  // namespace dealwright::codec
