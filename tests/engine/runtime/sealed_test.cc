// Room for sealed personal values: whoever folds, decides or reads without the key sees that a
// value is there and nothing of it, and goes on.
#include <gtest/gtest.h>

#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"
#include "projections/registry.h"
#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {
namespace {

const Value kSealed{Sealed{"person/7", std::string{"\x00\xff secret", 9}}};

Event sealed_event(const EventSpec& spec, Kind kind, bool all_fields) {
  Event event;
  event.source = "crm";
  event.id = std::string{spec.name} + std::to_string(static_cast<int>(kind)) +
             (all_fields ? "-all" : "-personal");
  event.type = spec.type;
  event.subject = {kind, "s1"};
  for (const auto& field : spec.data) {
    if (all_fields || field.personal) event.data.set(field.field, kSealed);
  }
  event.extra = {{"nickname", kSealed}};
  return event;
}

class SealedTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto all = projections::all_views();
    world_.views.assign(all.begin(), all.end());
    world_.start();
    world_.add(world_.pipeline());
    for (int i = 0; i < 20; ++i) world_.add(world_.random_event());
    world_.run();
  }
  World world_{11};
};

// Values sealed where they are personal, and where nobody would seal them.
TEST_F(SealedTest, EveryTypeFoldsLiveAndInReplayAlike) {
  std::size_t added = 0;
  for (const auto all_fields : {false, true}) {
    for (const auto& spec : all_event_specs()) {
      for (std::size_t kind = 1; kind < kKinds; ++kind) {
        if (!spec.allows(static_cast<Kind>(kind)) || spec.group == EventGroup::kOwn) continue;
        world_.add(sealed_event(spec, static_cast<Kind>(kind), all_fields));
        ++added;
      }
    }
  }
  world_.run();
  const auto status = world_.partition->status();
  ASSERT_FALSE(status.stopped) << status.stopped->detail;
  EXPECT_EQ(status.events, 21 + added);
  EXPECT_TRUE(same_dump(world_.dump(), world_.dump_of_replay()));
}

TEST_F(SealedTest, ARecordKeepsTheCiphertextAndItsKey) {
  world_.add(sealed_event(*event_spec("lead.captured"), Kind::kLead, false));
  Event named;
  named.source = "crm";
  named.id = "named";
  named.type = TypeId::kContactUpdated;
  named.subject = {Kind::kContact, "c1"};
  named.data.set(Field::kSet, Value{Map{{"name", kSealed}, {"emails", kSealed}}});
  world_.add(named);
  world_.run();
  auto& state = world_.partition->state();
  const auto* lead = state.find({Kind::kLead, "s1"});
  ASSERT_NE(lead, nullptr);
  ASSERT_NE(lead->find(Field::kPerson), nullptr);
  EXPECT_EQ(*lead->find(Field::kPerson), kSealed);
  const auto* nickname = lead->find_extra("nickname");
  ASSERT_NE(nickname, nullptr);
  EXPECT_EQ(*nickname, kSealed);
  const auto* contact = state.find({Kind::kContact, "c1"});
  ASSERT_NE(contact, nullptr);
  for (const auto field : {Field::kName, Field::kEmails}) {
    ASSERT_NE(contact->find(field), nullptr) << field_name(field);
    EXPECT_EQ(*contact->find(field), kSealed);
  }
}

TEST_F(SealedTest, EveryViewAnswersAndShowsNothingOfIt) {
  for (const auto& spec : all_event_specs()) {
    for (std::size_t kind = 1; kind < kKinds; ++kind) {
      if (spec.allows(static_cast<Kind>(kind)) && spec.group != EventGroup::kOwn)
        world_.add(sealed_event(spec, static_cast<Kind>(kind), false));
    }
  }
  world_.run();
  ViewQuery query;
  query.now = world_.clock.wall();
  for (const auto* view : world_.views) {
    const auto* fold = world_.partition->state().view_fold(view->name());
    ASSERT_NE(fold, nullptr) << view->name();
    const auto part = fold->query(query);
    ASSERT_TRUE(part) << view->name() << ": " << part.error().detail;
    const auto rows = view->merge(query, std::span{&part.value(), 1});
    ASSERT_TRUE(rows) << view->name() << ": " << rows.error().detail;
    for (const auto& row : rows.value().rows) {
      for (const auto& value : row)
        EXPECT_EQ(to_json(value).find("secret"), std::string::npos) << view->name();
    }
  }
}

}  // namespace
}  // namespace dealwright::runtime
