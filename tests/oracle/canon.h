// The canonical text of everything a partition knows, a key each: what the oracle and the engine
// are compared by. Lists whose order means nothing are sorted, absent values left out.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/domain/set_aside.h"
#include "engine/ports/decider.h"
#include "engine/ports/view.h"
#include "engine/runtime/state.h"
#include "tests/oracle/values.h"

namespace dealwright::oracle {

using Dump = std::map<std::string, std::string>;

std::string text_of(Instant at);
std::string text_of(const Life& life);
std::string text_of(const Values& values);
// Whether there is anything to say of the record itself: not so if it was only watched, decided
// about, or merged with one that nothing was known of.
bool heard_of(const Values& values);
Values values_of(const Record& record);  // of the engine's own
std::string text_of(const Enrolment& enrolment);
std::string text_of(const Effect& effect);
std::string text_of(const SetAside& entry);
std::string text_of(const HistoryEntry& entry);
std::string text_of(const ViewRows& rows);
std::string hex_of(const EnrolmentId& id);

// The state and the views of the engine. Writes nothing but what write_back() does.
Dump dump_of(runtime::State& state);
// "" if equal; else the first keys that differ, line by line.
std::string difference(const Dump& oracle, const Dump& engine);

// The questions that both answer about a view at an instant.
struct Question {
  std::string view;
  ViewQuery query;
  std::string name() const;
};
std::vector<Question> questions(Instant now, std::span<const Instant> instants);
std::string ask(runtime::State& state, const Question& question);

}  // namespace dealwright::oracle
