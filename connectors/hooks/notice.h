// One thing that a sender says, before a mapping makes events of it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/value.h"
#include "engine/domain/event.h"

namespace dealwright::hooks {

struct Notice {
  std::string id;               // made of the sender's own ids; shortened by sound_id()
  std::optional<Instant> time;  // when it happened
  std::string type;             // of the foreign event that it becomes where no entry maps it
  RecordKey subject;            // of that event; a kind of ours takes the hook's prefix
  std::string actor;
  Value body;  // as it came
  Map facts;   // what the connector knows of it; mappings read them as @name
  // Names for places in the body: {"record", "sObject"} lets @record.Name read sObject.Name.
  std::vector<std::pair<std::string, std::string>> aliases;
};

// At most 200 bytes: a longer one keeps its begin and gets the hash of the whole.
std::string sound_id(std::string id);
// A text that may be part of a type or a subject: letters, digits, `_` and `-`; other bytes become
// `_`. Never empty, at most 60 bytes.
std::string sound_word(std::string_view text);
// A scalar as text; empty: absent, null, a list or a map.
std::string scalar_text(const Value& value);
// The scalar of a member as text, or empty.
std::string member_text(const Map& map, std::string_view name);
// Milliseconds since 1970, or a text with or without offset (then UTC). None: neither.
std::optional<Instant> instant_of(const Value& value);
// 16 hex digits of the SHA-256.
std::string short_hash(std::string_view bytes);

}  // namespace dealwright::hooks
