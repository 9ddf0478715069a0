#include "connectors/sample/sample_year.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "engine/base/hash.h"
#include "engine/domain/evolve.h"
#include "engine/domain/form.h"

namespace dealwright::sample {
namespace {

std::vector<Event> year(std::uint64_t seed, std::uint64_t scale = 1) {
  std::vector<Event> out;
  SampleYear sample{seed, scale};
  for (Event event; sample.next(event);) out.push_back(event);
  return out;
}

Value data_of(const Event& event) {
  Map map = event.extra;
  for (const auto& [field, value] : event.data) map.emplace_back(field_name(field), value);
  return Value{std::move(map)};
}

std::string digest(const std::vector<Event>& events) {
  Sha256Stream stream;
  for (const auto& event : events) {
    stream.update(event.id + '|' + std::string{event.type_name()} + '|' + to_text(event.subject) +
                  '|' + (event.time ? to_text(*event.time) : "-") + '|' + event.partition_key +
                  '|' + event.actor + '|' + to_json(data_of(event)) + '\n');
  }
  return hex(stream.finish()).substr(0, 16);
}

std::map<std::string, int> counts(const std::vector<Event>& events) {
  std::map<std::string, int> out;
  for (const auto& event : events) ++out[std::string{event.type_name()}];
  return out;
}

// Whoever changes the story changes these figures, here and in the documents that name them.
TEST(SampleYearTest, IsTheSameEverywhere) {
  const auto first = year(1);
  EXPECT_EQ(first.size(), 16555U);
  EXPECT_EQ(digest(first), "0ed7f852015d6d03");
  EXPECT_EQ(digest(first), digest(year(1)));
  EXPECT_NE(digest(first), digest(year(2)));
}

TEST(SampleYearTest, GrowsWithTheScale) {
  const auto one = year(7).size();
  const auto three = year(7, 3).size();
  EXPECT_GT(three, one * 27 / 10);
  EXPECT_LT(three, one * 33 / 10);
}

TEST(SampleYearTest, EveryEventHasASoundForm) {
  for (const auto& event : year(3)) {
    EXPECT_TRUE(check_envelope(event).empty()) << event.id;
    if (event.type == TypeId::kForeignType) continue;
    for (const auto& field : spec_of(event.type).data) {
      EXPECT_TRUE(!field.required || event.data.find(field.field) != nullptr)
          << event.id << ' ' << event.type_name() << ' ' << field_name(field.field);
    }
  }
}

TEST(SampleYearTest, AllTenStepsOfTheProcessOccur) {
  static constexpr std::pair<int, std::string_view> kSteps[] = {
      {1, "target.set"},          {1, "forecast.committed"},  {2, "lead.captured"},
      {2, "lead.enriched"},       {2, "lead.assigned"},       {2, "contact.attempted"},
      {2, "contact.reached"},     {2, "lead.qualified"},      {2, "lead.scored"},
      {2, "lead.disqualified"},   {2, "lead.recycled"},       {3, "email.sent"},
      {3, "email.clicked"},       {3, "email.replied"},       {3, "consent.granted"},
      {3, "consent.withdrawn"},   {3, "content.viewed"},      {3, "nurture.enrolled"},
      {4, "meeting.scheduled"},   {4, "meeting.held"},        {4, "meeting.no_show"},
      {4, "deal.opened"},         {4, "deal.stage_changed"},  {4, "deal.next_step_set"},
      {4, "needs.captured"},      {5, "offer.drafted"},       {5, "offer.revised"},
      {5, "offer.sent"},          {5, "offer.viewed"},        {5, "offer.answered"},
      {5, "offer.accepted"},      {5, "offer.expired"},       {5, "approval.requested"},
      {6, "objection.raised"},    {6, "objection.resolved"},  {6, "competitor.noted"},
      {6, "discount.requested"},  {6, "deal.amount_changed"}, {6, "deal.close_date_moved"},
      {7, "contract.sent"},       {7, "contract.signed"},     {7, "deal.won"},
      {7, "deal.lost"},           {7, "deal.reopened"},       {8, "delivery.planned"},
      {8, "milestone.reached"},   {8, "golive.done"},         {8, "task.created"},
      {8, "task.completed"},      {8, "ticket.opened"},       {9, "survey.sent"},
      {9, "survey.answered"},     {9, "contract.renewed"},    {9, "contract.ended"},
      {9, "upsell.identified"},   {9, "referral.received"},   {9, "customer.churned"},
      {10, "experiment.started"}, {10, "experiment.stopped"}, {10, "retro.noted"},
      {10, "training.completed"}};
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto found = counts(year(seed));
    for (const auto& [step, type] : kSteps) {
      EXPECT_TRUE(found.count(std::string{type}))
          << "seed " << seed << " step " << step << ' ' << type;
    }
  }
}

TEST(SampleYearTest, HasTheTeamAndTheOddities) {
  const auto events = year(1);
  const auto found = counts(events);
  EXPECT_EQ(found.at("user.updated"), 8);
  EXPECT_EQ(found.at("team.updated"), 2);
  EXPECT_EQ(found.at("calendar.updated"), 3);
  std::set<std::string> currencies, zones, keys;
  std::set<std::string> ids;
  int twice = 0, late = 0, undated = 0, foreign = 0;
  Instant newest = kBeforeAll;
  for (const auto& event : events) {
    if (!ids.insert(event.id).second) ++twice;
    if (!event.time) ++undated;
    if (event.time && *event.time < newest) ++late;
    if (event.time) newest = std::max(newest, *event.time);
    if (event.type == TypeId::kForeignType) ++foreign;
    if (const auto amount = event.data.money(Field::kAmount))
      currencies.emplace(amount->currency.text());
    if (event.type == TypeId::kUserUpdated) zones.emplace(event.data.text(Field::kTz));
    keys.insert(event.partition_key);
  }
  EXPECT_EQ(currencies, (std::set<std::string>{"EUR", "USD"}));
  EXPECT_EQ(zones, (std::set<std::string>{"America/New_York", "Europe/Berlin", "Europe/London"}));
  EXPECT_EQ(keys.size(), kCustomersPerScale + 1);  // and "" of reference data
  EXPECT_GT(twice, 5);
  EXPECT_GT(late, 20);
  EXPECT_LT(late, 400);
  EXPECT_GT(undated, 10);
  EXPECT_GT(foreign, 50);
}

class Records : public Neighbours {
 public:
  const Record* find(const RecordKey& key) override {
    const auto it = all.find(key);
    return it == all.end() ? nullptr : &it->second;
  }
  std::optional<TypeId> fact(const RecordKey&, std::string_view, std::string_view) override {
    return std::nullopt;
  }
  Record& at(const RecordKey& key) {
    auto& record = all[key];
    record.key = key;
    return record;
  }
  std::map<RecordKey, Record> all;
};

// The story makes sense to the engine: hardly a fact of it is refused.
TEST(SampleYearTest, TheEngineTakesNearlyAllOfIt) {
  Records records;
  Reference reference;
  auto& pipelines = reference.pipelines;
  std::map<std::string, int> refused;
  std::set<std::string> seen;
  std::uint64_t order = 0;
  Instant now = kYearStart;
  Folded out;
  for (const auto& event : year(1)) {
    if (event.time) now = std::max(now, *event.time);
    if (!seen.insert(event.id).second) continue;
    const auto refusal = decide(records.find(event.subject), event, now, reference, records);
    if (refusal != Refusal::kNone) {
      ++refused[std::string{event.type_name()} + ' ' + std::string{refusal_name(refusal)}];
      continue;
    }
    auto& record = records.at(event.subject);
    const auto at = place(record, event, now, ++order);
    evolve(record, event, at, reference, out);
    for (const auto& implied : implied_by(event)) {
      auto& other = records.at(implied.record);
      evolve_implied(other, implied, place_implied(other, at), pipelines, out);
    }
    if (event.type == TypeId::kPipelineUpdated) {
      pipelines.put(read_pipeline(event.subject.id, event.data).value(), at.stamp);
    }
  }
  std::string list;
  for (const auto& [what, count] : refused) list += what + ' ' + std::to_string(count) + '\n';
  EXPECT_EQ(list, "");
}

}  // namespace
}  // namespace dealwright::sample
