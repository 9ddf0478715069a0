// Every refusal of the sales process, each beside its near miss, and what the accepted ones come
// to.
#include <gtest/gtest.h>

#include "engine/domain/evolve.h"
#include "tests/engine/domain/story.h"
#include "tests/table.h"

namespace dealwright {
namespace {

constexpr const char* kRefusals = R"-(
  given | when | then
  # any type
  | @6m deal.opened pipeline=p | time_in_future
  | @5m deal.opened pipeline=p |
  | @6m deal/d com.example.cart_left | time_in_future
  deal.opened pipeline=p; deal.deleted | deal.won | record_deleted
  deal.opened pipeline=p; deal.deleted | deal.restored |
  deal.opened pipeline=p; deal.deleted; deal.restored | deal.won |
  lead.captured; lead/l person.erased | lead.scored score=3 | record_erased
  lead.captured; lead/l person.erased | lead.restored | record_erased
  # 1
  | target.set who=u1 measure=won_count from=2026-02-01 to=2026-03-01 count=3 |
  | target.set who=u1 measure=won_count from=2026-03-01 to=2026-03-01 count=3 | bad_period
  | target.set who=u1 measure=won_count from=2026-02-01 to=2026-03-01 | bad_target
  | target.set who=u1 measure=won_count from=2026-02-01 to=2026-03-01 count=3 amount=1EUR | bad_target
  | user/u forecast.committed from=2026-03-01 to=2026-02-01 category=commit amount=1EUR | bad_period
  | fx.rate_set base=EUR quote=JPY rate=161.5 on=2026-03-01 |
  | fx.rate_set base=EUR quote=JPY rate=0.00 on=2026-03-01 | bad_rate
  | fx.rate_set base=EUR quote=JPY rate=-1.5 on=2026-03-01 | bad_rate
  | pipeline.updated stages=[{"id":"q"},{"id":"won","category":"won"}] | bad_data
  | pipeline.updated stages=[{"id":"q"},{"id":"won","category":"won"},{"id":"lost","category":"lost"}] | stage_in_use
  pipeline.updated stages=[{"id":"q"},{"id":"demo","retired":true},{"id":"offer","retired":true},{"id":"won","category":"won"},{"id":"lost","category":"lost"}] | pipeline.updated stages=[{"id":"q"},{"id":"won","category":"won"},{"id":"lost","category":"lost"}] |
  # 2
  lead.captured | lead.enriched set={"company":"Acme"} |
  lead.captured | lead.enriched set={"state":"qualified"} | not_settable
  deal.opened pipeline=p | deal.updated set={"amount":"9_EUR"} | not_settable
  deal.opened pipeline=p | deal.updated set={"owner":"u1"} | not_settable
  deal.opened pipeline=p | deal.updated set={"name":"Big","colour":"red"} |
  lead.captured; deal.opened pipeline=p lead=l | lead.disqualified reason=no | lead_converted
  lead.captured; deal.opened pipeline=p lead=l | lead.recycled | lead_converted
  lead.captured; deal.opened pipeline=p lead=l | lead.qualified |
  # 4
  | deal.opened pipeline=nowhere | unknown_pipeline
  | deal.opened pipeline=p stage=nowhere | unknown_stage
  deal.opened pipeline=p | deal.stage_changed to=nowhere | unknown_stage
  deal.opened pipeline=p | deal.stage_changed to=q pipeline=nowhere | unknown_pipeline
  | deal.stage_changed to=nowhere |
  deal.opened pipeline=p | deal.reopened to=nowhere | unknown_stage
  deal.opened pipeline=strict | deal.stage_changed to=demo |
  deal.opened pipeline=strict | deal.stage_changed to=won | move_not_allowed
  deal.opened pipeline=strict; deal.stage_changed to=demo | @-1h deal.stage_changed to=won |
  deal.opened pipeline=strict; deal.stage_changed to=demo | deal.stage_changed to=offer | fields_missing
  deal.opened pipeline=strict close_date=2026-04-01; deal.stage_changed to=demo | deal.stage_changed to=offer |
  # 5
  offer.drafted deal=d; offer.accepted | offer.declined | offer_final
  offer.drafted deal=d; offer.accepted | offer.accepted |
  offer.drafted deal=d; offer.accepted | offer.sent | offer_final
  offer.drafted deal=d; offer.accepted | offer.revised | offer_final
  offer.drafted deal=d; offer.accepted | @-1h offer.declined |
  offer.drafted deal=d; offer.accepted | offer.assigned owner=u1 |
  offer.drafted deal=d; offer/o2 offer.revised deal=d supersedes=o | offer.accepted | offer_final
  deal.opened pipeline=p | deal/d approval.granted approval=a kind=discount | unknown_approval
  deal/d approval.requested approval=a kind=discount | deal/d approval.granted approval=a kind=discount |
  deal/d approval.requested approval=a kind=discount; deal/d approval.granted approval=a kind=discount | deal/d approval.rejected approval=a kind=discount | approval_final
  deal/d approval.requested approval=a kind=discount; deal/d approval.granted approval=a kind=discount | deal/d approval.granted approval=a kind=discount |
  # 6
  | deal/d discount.requested bp=10001 | bad_discount
  | deal/d discount.requested bp=-1 | bad_discount
  | deal/d discount.requested bp=10000 |
  deal.opened pipeline=p amount=9EUR | deal.amount_changed amount=9USD | currency_mismatch
  deal.opened pipeline=p amount=9EUR | deal.currency_changed amount=9USD |
  deal.opened pipeline=p amount=9EUR; deal.currency_changed amount=9USD | deal.amount_changed amount=8USD |
  deal.opened pipeline=p amount=9EUR | @-1h deal.amount_changed amount=9USD |
  # 7
  contract.drafted; contract.ended reason=churned | contract.signed | contract_final
  contract.drafted; contract.declined | contract.drafted | contract_final
  contract.drafted; contract.declined | contract.declined |
  contract.drafted; contract.signed | contract.changed mrr=9EUR |
  contract.drafted; contract.ended reason=churned | contract.renewed ends=2027-01-01 | contract_final
  deal.opened pipeline=p amount=9EUR | deal.won amount=9USD | currency_mismatch
  deal.opened pipeline=p amount=9EUR | deal.lost amount=9USD | currency_mismatch
  deal.opened pipeline=strict | deal.lost | lost_reason_missing
  deal.opened pipeline=strict | deal.lost no_decision=true |
  deal.opened pipeline=p | deal.lost |
  # 8
  task.created kind=call title=ring; task.completed | task.cancelled | task_final
  task.created kind=call title=ring; task.completed | task.completed |
  task.created kind=call title=ring; task.completed | task.reopened |
  task.created kind=call title=ring; task.cancelled | task.rescheduled due=2026-03-05T09:00:00Z | task_final
  # 9
  survey.sent contact=c kind=nps | survey.answered score=11 | bad_score
  survey.sent contact=c kind=nps | survey.answered score=0 |
  survey.sent contact=c kind=csat | survey.answered score=0 | bad_score
  survey.sent contact=c kind=csat | survey.answered score=6 | bad_score
  survey.sent contact=c kind=csat | survey.answered score=5 |
  # custom fields and purposes: what is declared stays declared as it was
  | workspace/w schema.updated text=x fields={"deal":{"tier":{"type":"text"}}} |
  | workspace/w schema.updated text=x | bad_data
  | workspace/w schema.updated text=x fields={"deel":{"tier":{"type":"text"}}} | bad_data
  | workspace/w schema.updated text=x fields={"fx":{"tier":{"type":"text"}}} | bad_data
  | workspace/w schema.updated text=x fields={"deal":{"tier":{"type":"string"}}} | bad_data
  | workspace/w schema.updated text=x fields={"deal":{"tier":{"type":"enum"}}} | bad_data
  | workspace/w schema.updated text=x fields={"deal":{"a-b":{"type":"int"}}} | bad_data
  | workspace/w schema.updated text=x fields={"deal":{"m":{"type":"decimal(19)"}}} | bad_data
  | workspace/w schema.updated text=x fields={} purposes={"news":"spam"} | bad_data
  workspace/w schema.updated text=x fields={"deal":{"n":{"type":"int"}}} | workspace/w schema.updated text=x fields={"deal":{"n":{"type":"int"},"m":{"type":"int"}}} |
  workspace/w schema.updated text=x fields={"deal":{"n":{"type":"int"}}} | workspace/w schema.updated text=x fields={"deal":{"n":{"type":"text"}}} | schema_conflict
  workspace/w schema.updated text=x fields={"deal":{"n":{"type":"int"}}} | workspace/w schema.updated text=x fields={"lead":{"n":{"type":"text"}}} |
  workspace/w schema.updated text=x fields={"deal":{"n":{"type":"int"}}}; workspace/w schema.updated text=x fields={} | workspace/w schema.updated text=x fields={"deal":{"n":{"type":"text"}}} | schema_conflict
  workspace/w schema.updated text=x fields={"deal":{"n":{"type":"int"}}}; workspace/w schema.updated text=x fields={} | workspace/w schema.updated text=x fields={"deal":{"n":{"type":"int"}}} |
  workspace/w schema.updated text=x fields={"deal":{"e":{"type":"enum","values":["a","b"]}}} | workspace/w schema.updated text=x fields={"deal":{"e":{"type":"enum","values":["b"]}}} | schema_conflict
  workspace/w schema.updated text=x fields={"deal":{"e":{"type":"enum","values":["a","b"]}}} | workspace/w schema.updated text=x fields={"deal":{"e":{"type":"enum","values":["c","b","a"]}}} |
  workspace/w schema.updated text=x fields={"deal":{"m":{"type":"decimal(2)"}}} | workspace/w schema.updated text=x fields={"deal":{"m":{"type":"decimal(1)"}}} | schema_conflict
  workspace/w schema.updated text=x fields={"deal":{"m":{"type":"decimal(2)"}}} | workspace/w schema.updated text=x fields={"deal":{"m":{"type":"decimal(3)"}}} |
  workspace/w schema.updated text=x fields={"deal":{"r":{"type":"ref(user)"}}} | workspace/w schema.updated text=x fields={"deal":{"r":{"type":"ref(team)"}}} | schema_conflict
  | contact/c consent.granted purpose=news channel=email source=web |
  workspace/w schema.updated text=x fields={} | contact/c consent.granted purpose=news channel=email source=web |
  workspace/w schema.updated text=x fields={} purposes={"news":"marketing"} | contact/c consent.granted purpose=news channel=email source=web |
  workspace/w schema.updated text=x fields={} purposes={"news":"marketing"} | contact/c consent.granted purpose=nws channel=email source=web | bad_purpose
  workspace/w schema.updated text=x fields={} purposes={"news":"marketing"} | lead/l consent.withdrawn purpose=nws channel=email source=web | bad_purpose
  # all
  lead.captured | lead.merged into=l | merge_self
  lead.captured; lead/m lead.captured; lead.merged into=m | lead/m lead.merged into=l | merge_cycle
  lead.captured; lead/m lead.captured; lead.merged into=m | lead.merged into=m |
  lead.captured; lead/m lead.captured; lead/n lead.captured; lead.merged into=m; lead/m lead.merged into=n | lead/n lead.merged into=l | merge_cycle
  lead.captured | lead.unmerged | not_merged
  lead.captured; lead/m lead.captured; lead.merged into=m | lead.unmerged |
  lead.captured; lead/m lead.captured; lead.merged into=m; lead.unmerged | lead.unmerged | not_merged
  deal.opened pipeline=p | event.retracted source=t id=e1 reason=slip |
  deal.opened pipeline=p | event.retracted source=t id=e9 reason=slip | unknown_event
  deal.opened pipeline=p | event.retracted source=x id=e1 reason=slip | unknown_event
  deal.opened pipeline=p | deal/d2 event.retracted source=t id=e1 reason=slip | unknown_event
  lead.captured; lead.merged into=m | lead/l event.retracted source=t id=e2 reason=slip | not_retractable
)-";

TEST(DecideTest, RefusesWhatTheTableSaysAndNothingElse) {
  std::set<std::string> seen;
  expect_table(kRefusals, [&](const Row& row) {
    Story story;
    EXPECT_EQ(story.tell(row["given"]), "") << "given";
    const auto refusal = story.tell(row["when"]);
    seen.insert(refusal);
    return refusal;
  });
  for (auto code = Refusal::kNone; code <= Refusal::kNotRetractable;
       code = Refusal(static_cast<int>(code) + 1)) {
    EXPECT_TRUE(seen.contains(std::string{refusal_name(code)}))
        << "no row comes to " << refusal_name(code);
  }
}

}  // namespace
}  // namespace dealwright
