// What a change takes at most, against what it takes.
#include "engine/codec/size_bound.h"

#include <gtest/gtest.h>

#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "tests/engine/codec/samples.h"

namespace dealwright::codec {
namespace {

std::size_t encoded(std::vector<Change> changes) {
  DecisionRecord record;
  auto& turn = record.body.emplace<Batch>().turns.emplace_back();
  turn.changes = std::move(changes);
  std::string out;
  encode(record, out);
  return out.size();
}

TEST(SizeBoundTest, IsNeverTooLittleAndNotFarTooMuch) {
  Sampler sampler{7};
  const auto bare = encoded({});
  for (std::size_t kind = 0; kind < std::variant_size_v<Change>; ++kind) {
    for (int i = 0; i < 300; ++i) {
      const auto change = sampler.change(kind);
      const auto bound = size_bound(change);
      // The lengths of turn and batch grow with it.
      ASSERT_GE(bound + 8, encoded({change}) - bare) << "kind " << kind;
      const std::vector<Change> many(40, change);
      ASSERT_GE(40 * bound + 8, encoded(many) - bare) << "kind " << kind;
      ASSERT_LE(bound, 400 + 8 * (encoded({change}) - bare)) << "kind " << kind;
    }
  }
}

TEST(SizeBoundTest, LargeTextsCountInFull) {
  Event event = sample_event(TypeId::kNoteAdded);
  event.data.set(Field::kText, Value{std::string(3 << 20, 'x')});
  event.extra = {{std::string(1 << 16, 'k'), Value{List{Value{std::string(1 << 17, 'v')}}}}};
  std::string bytes;
  encode(event, bytes);
  EXPECT_GE(size_bound(event), bytes.size());
  EXPECT_LE(size_bound(event), bytes.size() + 1000);
}

}  // namespace
}  // namespace dealwright::codec
