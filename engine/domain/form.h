// Form: whether a fact's data has the shape its type asks for. Judged at the door, before anything
// is appended; state plays no part.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/event.h"

namespace dealwright {

// One thing wrong with one event, fit to show to who sent it.
struct FormError {
  std::string code;     // bad_data, bad_money, bad_time, bad_envelope, reserved_type ...: stable
  std::string pointer;  // JSON pointer into the event: /data/total
  std::string detail;   // what is wrong
  std::string hint;     // how to mend it
};

// Fills event.data and event.extra from free data by the rows of the event's type: money as
// {"minor":..,"currency":..} or "2500 EUR", instants and dates as text, ids as "d1" or "deal/d1"
// where the kind fits, ints from integral numbers only. Undeclared keys go to extra as they came,
// null means absent. A foreign type takes everything as extra. Returns what is wrong; empty: sound.
// REQUIRES: type and subject are set
std::vector<FormError> fill_data(Event& event, const Map& data);
// Checks what fill_data cannot see: ids, lengths, subject kind, partition key, years of `time`,
// number of values of one event (10,000) and depth (64).
std::vector<FormError> check_envelope(const Event& event);
// 00-<32 hex>-<16 hex>-<2 hex>, in lower case: what goes on is nothing else, so no header can be
// slipped in.
bool is_traceparent(std::string_view text);
// A JSON pointer to the first text that is no UTF-8; empty: all are. Sealed and opaque bytes are no
// texts.
std::string bad_text(const Event& event);
// Reads one value as the spec asks (what fill_data does per field); used for `set` and mappings
// too.
Result<Value> read_value(const FieldSpec& spec, const Value& free);

}  // namespace dealwright
