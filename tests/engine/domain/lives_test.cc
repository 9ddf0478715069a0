// Lives: what facts make of a lead, deal, offer, contract, task, ticket and survey, in order and
// out of it; merges, deletions, erasures and what takes facts back.
#include <gtest/gtest.h>

#include "tests/engine/domain/story.h"
#include "tests/table.h"

namespace dealwright {
namespace {

std::string come_to(const Row& row) {
  Story story;
  const auto refusal = story.tell(row["when"]);
  if (!refusal.empty()) return "refused " + refusal;
  return story.show(record_named(row["of"]), row["with"]);
}

TEST(LivesTest, LeadsOffersContractsTasks) {
  expect_table(R"(
    of | when | with | then
    lead/l | lead.captured | | new
    lead/l | lead.captured; lead/l contact.attempted channel=call | | working
    lead/l | lead.captured; lead/l contact.reached channel=email | | working
    lead/l | lead.captured; lead.qualified | level | qualified level=sql
    lead/l | lead.captured; lead.qualified level=mql; lead/l contact.attempted channel=call | level | qualified level=mql
    lead/l | lead.captured; lead/l contact.attempted channel=call; lead.qualified | | qualified
    lead/l | lead.captured; lead.disqualified reason=not_now | | disqualified
    lead/l | lead.captured; lead.qualified; lead.disqualified reason=not_now | | disqualified
    lead/l | lead.captured; lead.disqualified reason=not_now; lead.captured | lead.captured | new lead.captured=2
    lead/l | lead.captured; lead.disqualified reason=not_now; lead.recycled | | working
    lead/l | lead.captured; lead.disqualified reason=not_now; lead.qualified | | qualified
    lead/l | lead.captured; lead.disqualified reason=not_now; lead/l contact.reached channel=call | | disqualified
    lead/l | lead.captured; lead.recycled | | new
    lead/l | lead.captured; deal.opened pipeline=p lead=l | | converted
    lead/l | lead.captured; lead.disqualified reason=no; deal.opened pipeline=p lead=l; lead.qualified | | converted
    lead/l | lead.scored score=7 | score | stub score=7
    lead/l | lead.captured source=web; lead.captured source=fair company=Acme | source company | new source=web company=Acme
    lead/l | lead.captured source=web; @-1d lead.captured source=fair | source | new source=fair
    offer/o | offer.drafted deal=d | | draft
    offer/o | offer.sent | | stub sent
    offer/o | offer.drafted deal=d; offer.answered | | answered
    offer/o | offer.drafted deal=d; offer.viewed; offer.sent | | viewed
    offer/o | offer.drafted deal=d; offer.sent; offer.accepted | | accepted
    offer/o | offer.drafted deal=d; offer.declined | | declined
    offer/o | offer.drafted deal=d; offer.withdrawn | | withdrawn
    offer/o | offer.drafted deal=d; offer.expired | | expired
    offer/o | offer.drafted deal=d; offer/o2 offer.revised deal=d supersedes=o | | superseded
    offer/o2 | offer.drafted deal=d; offer/o2 offer.revised deal=d supersedes=o | | draft
    offer/o | offer.drafted deal=d; offer.accepted; offer/o2 offer.revised deal=d supersedes=o | | accepted
    contract/k | contract.drafted | | draft
    contract/k | contract.drafted; contract.viewed; contract.sent | | viewed
    contract/k | contract.drafted; contract.signed | | signed
    contract/k | contract.drafted; contract.signed; contract.declined | | signed
    contract/k | contract.drafted; contract.sent; contract.declined | | declined
    contract/k | contract.drafted; contract.signed; contract.ended reason=churned | | ended
    contract/k | contract.drafted; contract.signed; contract.renewed ends=2027-01-01 mrr=9EUR | ends mrr | signed ends="2027-01-01" mrr={"currency":"EUR","minor":900}
    task/t | task.created kind=call title=ring due=2026-03-05T09:00:00Z | due | open due="2026-03-05T09:00:00.000Z"
    task/t | task.created kind=call title=ring; task.started | | started
    task/t | task.created kind=call title=ring; task.completed; task.reopened | | open
    task/t | task.created kind=call title=ring; task.cancelled | | cancelled
    task/t | task.created kind=call title=ring; task.started; task.reopened | | started
    task/t | task.created kind=call title=ring due=2026-03-05T09:00:00Z; task.rescheduled due=2026-03-06T09:00:00Z | due first_due | open due="2026-03-06T09:00:00.000Z" first_due="2026-03-05T09:00:00.000Z"
    task/t | task.created kind=call title=ring due=2026-03-05T09:00:00Z; task.rescheduled due=2026-03-06T09:00:00Z by_customer=true | first_due | open first_due="2026-03-06T09:00:00.000Z"
    ticket/i | ticket.opened kind=issue; ticket.closed | | closed
    ticket/i | ticket.opened kind=issue; ticket.closed; ticket.reopened | | open
    survey/s | survey.sent contact=c kind=nps; survey.answered score=9 | score | answered score=9
  )",
               come_to);
}

TEST(LivesTest, Deals) {
  expect_table(R"(
    of | when | with | then
    deal/d | deal.opened pipeline=p amount=9EUR | | open q 9.00 EUR
    deal/d | deal.opened pipeline=p stage=offer | | open offer
    deal/d | deal.stage_changed to=demo | | stub open demo
    deal/d | deal.stage_changed to=demo; deal.opened pipeline=p | pipeline | open demo pipeline=p
    deal/d | deal.opened pipeline=p; deal.opened pipeline=p amount=9EUR | deal.opened | open q 9.00 EUR deal.opened=2
    # the category of the stage gives the status, whichever event enters it
    deal/d | deal.opened pipeline=p; deal.stage_changed to=won | status | won won closed 03-01T12:02 status=won
    deal/d | deal.opened pipeline=p; deal.stage_changed to=lost | | lost lost closed 03-01T12:02
    deal/d | deal.opened pipeline=p; deal.won | | won won closed 03-01T12:02
    deal/d | deal.opened pipeline=p; deal.lost reason=price | lost_reason | lost lost price closed 03-01T12:02 lost_reason=price
    deal/d | deal.opened pipeline=p; deal.lost no_decision=true | | lost lost no_decision closed 03-01T12:02
    deal/d | deal.opened pipeline=p; deal.won; deal.stage_changed to=demo | | open demo
    deal/d | deal.opened pipeline=p; deal.won; deal.reopened to=offer close_date=2026-04-01 | close_date | open offer close_date="2026-04-01"
    deal/d | deal.opened pipeline=p; deal.reopened to=offer | | open q
    deal/d | deal.opened pipeline=p; deal.won; deal.lost reason=price | | lost lost price closed 03-01T12:03
    # repeats change nothing, an amount corrects
    deal/d | deal.opened pipeline=p; deal.won; deal.won | | won won closed 03-01T12:02
    deal/d | deal.opened pipeline=p amount=9EUR; deal.won amount=8EUR; deal.won amount=7EUR | | won won 7.00 EUR closed 03-01T12:02
    deal/d | deal.opened pipeline=p; deal.lost reason=price; deal.lost reason=time | | lost lost price closed 03-01T12:02
    deal/d | deal.opened pipeline=p amount=9EUR; deal.won; deal.amount_changed amount=5EUR | | won won 5.00 EUR closed 03-01T12:02
    deal/d | deal.opened pipeline=p amount=9EUR; deal.currency_changed amount=9USD | | open q 9.00 USD
    # moves: backward, skipped, to another pipeline
    deal/d | deal.opened pipeline=p; deal.stage_changed to=offer; deal.stage_changed to=demo | | open demo
    deal/d | deal.opened pipeline=p; deal.stage_changed to=offer | | open offer
    deal/d | deal.opened pipeline=p; deal.stage_changed to=demo pipeline=strict | pipeline | open demo pipeline=strict
    # late: older never beats newer; what happened is told in its order
    deal/d | deal.opened pipeline=p; @2m deal.stage_changed to=offer; @-1h deal.stage_changed to=demo | | open offer
    deal/d | deal.opened pipeline=p; deal.won; @-30d deal.lost reason=price | | won won closed 03-01T12:02
    deal/d | deal.opened pipeline=p; deal.lost; @-1d deal.won | | lost lost closed 03-01T12:02
    deal/d | deal.won; @-30d deal.opened pipeline=p amount=9EUR | | won won 9.00 EUR closed 03-01T12:01
    deal/d | deal.opened pipeline=p name=New; @-1d deal.updated set={"name":"Old"} | name | open q name=New
    # undated: right behind the newest when it comes
    deal/d | @undated deal.opened pipeline=p amount=9EUR | | open q 9.00 EUR undated
    deal/d | deal.opened pipeline=p; deal.stage_changed to=offer; @undated deal.stage_changed to=demo | | open demo
    deal/d | @undated deal.opened pipeline=p; @-9d deal.won | | won won closed 02-20T12:02 undated
    deal/d | deal.won; deal.opened pipeline=p amount=9EUR | | won won 9.00 EUR closed 03-01T12:01
    # owners, close dates, deletion
    deal/d | deal.opened pipeline=p owner=u1; deal.assigned owner=u2 | owner | open q owner=u2
    deal/d | deal.opened pipeline=p; deal.close_date_moved to=2026-04-01; deal.close_date_moved | close_date | open q close_date=-
    deal/d | deal.opened pipeline=p; deal.deleted | | open q deleted
    deal/d | deal.opened pipeline=p; deal.deleted reason=double; deal.restored | lost_reason | open q lost_reason=-
    deal/d | deal.opened pipeline=p; deal.next_step_set text=call due=2026-03-05T09:00:00Z | next_step | open q next_step={"due":"2026-03-05T09:00:00.000Z","text":"call"}
    deal/d | deal.opened pipeline=p; deal/d com.example.cart_left cart=7 | | open q
  )",
               come_to);
}

TEST(LivesTest, WhatIsMergedErasedTakenBackUndone) {
  expect_table(R"(
    of | when | with | then
    lead/l | lead.captured; lead/m lead.captured; lead.merged into=m | | new into m
    # the winner's fields stay, gaps are filled, captured_at is the earliest
    lead/m | @-2d lead.captured company=Old source=web; lead/m lead.captured company=New; lead.merged into=m | company source captured_at | new company=New source=web captured_at="2026-02-27T12:01:00.000Z"
    contact/e | contact.updated set={"emails":["a"]}; contact/e contact.updated set={"emails":["b"]}; contact.merged into=e | emails | stub emails=["b","a"]
    # later facts of the loser are the winner's
    lead/m | lead.captured; lead/m lead.captured; lead.merged into=m; lead.qualified | | qualified
    lead/l | lead.captured; lead/m lead.captured; lead.merged into=m; lead.qualified | | new into m
    lead/m | lead.captured; lead/m lead.captured; lead.merged into=m; deal.opened pipeline=p lead=l | | converted
    lead/m | lead.captured; lead/m lead.captured; lead.merged into=m; deal.opened pipeline=p lead=m; lead.disqualified reason=no | | refused lead_converted
    lead/n | lead.captured company=Acme; lead/m lead.captured; lead/n lead.captured; lead.merged into=m; lead/m lead.merged into=n | company | new company=Acme
    # undone: split by the subjects they were about
    lead/l | lead.captured; lead/m lead.captured; lead.merged into=m; lead.qualified; lead.unmerged | | qualified
    lead/m | lead.captured company=Old; lead/m lead.captured; lead.merged into=m; lead.qualified; lead.unmerged | company | new company=-
    # taken back: as if it never had been
    deal/d | deal.opened pipeline=p amount=9EUR; deal.amount_changed amount=8EUR; event.retracted source=t id=e2 reason=slip | deal.amount_changed | open q 9.00 EUR deal.amount_changed=0
    deal/d | deal.opened pipeline=p; deal.won; event.retracted source=t id=e2 reason=slip | | open q
    deal/d | deal.opened pipeline=p; deal.won; event.retracted source=t id=e1 reason=slip | | stub won closed 03-01T12:02
    lead/l | lead.captured; deal.opened pipeline=p lead=l; deal/d event.retracted source=t id=e2 reason=slip | | new
    offer/o | offer.drafted deal=d; offer.sent; offer.accepted; offer/o event.retracted source=t id=e3 reason=slip; offer.declined | | declined
    lead/l | lead.captured; lead/l person.erased | | new erased
    lead/l | lead.captured; lead.deleted | | new deleted
    lead/l | lead.captured; lead.deleted; lead.restored | | new
  )",
               come_to);
}

}  // namespace
}  // namespace dealwright
