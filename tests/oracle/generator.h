// Random facts of every kind that sales.md 2 knows, good and bad, from a seed.
#pragma once

#include <string>
#include <vector>

#include "tests/oracle/bed.h"

namespace dealwright::oracle {

class Generator {
 public:
  // `taking_back`: also event.retracted and unmerges.
  explicit Generator(Bed& bed, bool taking_back = false)
      : bed_{bed}, random_{bed.random}, taking_back_{taking_back} {}

  void begin();  // pipelines and rules
  // Adds one fact, or bytes that are none, to the log; an operator's act now and then.
  void add();

 private:
  Event fact();
  Event of_type(const EventSpec& spec);
  void place_in_time(Event& event);
  void spoil(Event& event);
  Event operators_act();
  Event act_on_effect();
  Event act_on_enrolment();
  Event asks_for_effects();
  std::string name_of_effect();
  std::optional<Event> taking_back();
  Event pipeline(const std::string& id);
  Event rule_act();
  Event schema(std::size_t version);
  Value value_of(const FieldSpec& spec, const Event& event);
  Value json_of(Field field, const Event& event);
  Value set_of(Kind kind);
  std::string id_of(Kind kind);
  const char* pick(std::initializer_list<const char*> words);
  std::size_t schemas_ = 0;
  bool chance(std::uint64_t percent) { return random_.chance(percent); }

  Bed& bed_;
  FakeRandom& random_;
  const bool taking_back_;
  std::uint64_t next_id_ = 0;
  std::uint64_t next_row_ = 0;
  std::uint64_t pipelines_ = 0;
};

}  // namespace dealwright::oracle
