// How the rest of the system gets a decider from published rules.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/ports/decider.h"
#include "rules/plan/reader.h"
#include "rules/time/zone.h"

namespace dealwright::rules {

struct DeciderOptions {
  Workspace workspace;
  ZoneProvider zones;         // named zones of the tz database; thread-safe
  std::string zones_version;  // of that database: part of the rule set's id
  // Where a recipient opts out of mails like this one: https, opaque. Thread-safe. Empty: nowhere,
  // and no mail that needs it leaves.
  std::function<std::string(std::uint32_t partition, const Effect&)> unsubscribe_url = {};
};

// One caller at a time; plans are immutable and shared between the deciders. A text is compiled
// once as long as a decider has its plan: a change of one rule compiles one.
std::unique_ptr<DeciderFactory> make_decider_factory(DeciderOptions options = {});

}  // namespace dealwright::rules
