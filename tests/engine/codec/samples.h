// Values of all that engine/codec writes: random ones from a seed, and one fixed sample of each
// kind whose bytes are kept in tests/golden.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/domain/decision.h"
#include "engine/domain/record.h"
#include "engine/domain/set_aside.h"
#include "engine/ports/fake/fake_clock.h"

namespace dealwright::codec {

// Draws values that use every member; equal seeds draw equal values.
class Sampler {
 public:
  explicit Sampler(std::uint64_t seed) : random_{seed} {}

  std::string word();   // UTF-8, perhaps with a quote, a line end or beyond ASCII; never empty
  std::string bytes();  // any
  Instant instant();    // that a form may carry
  std::optional<Instant> maybe_instant();
  Value value(int depth = 0);  // any kind of value; of doubles no NaN
  Map map(int depth = 0);
  RecordKey key();
  // A value that a field of this shape takes.
  Value value_of(const FieldSpec& spec);
  Event event(TypeId type);
  Event foreign_event();
  Enrolment enrolment();
  Effect effect();
  EffectMoved moved();
  TimerKey timer();
  // REQUIRES: alternative < number of alternatives of Change
  Change change(std::size_t alternative);
  DecisionHeader header();
  // REQUIRES: body < 3: a claim, a batch, a barrier
  DecisionRecord decision(std::size_t body);
  Life life();
  Record record();
  SetAside set_aside();
  std::uint64_t below(std::uint64_t count) { return random_.below(count); }

 private:
  template <std::size_t N>
  std::array<std::uint8_t, N> digest();
  bool chance(std::uint64_t percent) { return random_.chance(percent); }
  std::uint32_t number();
  Stamp stamp();
  Money money();
  Hash128 hash();
  void envelope(Event& event);
  TurnRecord turn();
  template <class T, class F>
  std::vector<T> some(F&& make) {
    std::vector<T> out;
    for (auto n = below(4); n > 0; --n) out.push_back(make());
    return out;
  }
  FakeRandom random_;
};

// Of this type, with a value in each declared field: the same for ever.
Event sample_event(TypeId type);

}  // namespace dealwright::codec
