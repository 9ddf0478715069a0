// Steps 8 and 9: what was sold is delivered, asked about, renewed or lost.
#include "connectors/sample/story.h"

namespace dealwright::sample {
namespace {

std::string actor_of(const Customer& customer) { return "user/" + std::string{customer.owner->id}; }

Value day(Instant at) { return Value{to_text(utc_date(at))}; }

void do_task(Teller& teller, const Customer& customer, std::string_view name,
             std::string_view title, std::int64_t due_days) {
  auto& random = teller.random();
  const auto task = "task/" + customer.tag + "-" + std::string{name};
  teller.say("task.created", task,
             {{"kind", "delivery"},
              {"title", title},
              {"about", customer.deal},
              {"due", to_text(teller.now() + days(due_days))},
              {"owner", customer.owner->id}});
  teller.pass(30, due_days * 1'300);
  if (random.chance(20)) {
    teller.say("task.rescheduled", task,
               {{"due", to_text(teller.now() + days(3))}, {"by_customer", random.chance(40)}});
    teller.pass_days(1, 4);
  }
  if (random.chance(6)) {
    teller.say("task.cancelled", task, {{"result", "not needed"}});
    return;
  }
  if (random.chance(60)) teller.say("task.started", task);
  teller.pass(30, 1'200);
  teller.say("task.completed", task, {{"result", "done"}});
  if (random.chance(4)) {
    teller.pass_days(1, 3);
    teller.say("task.reopened", task);
    teller.pass_days(1, 3);
    teller.say("task.completed", task, {{"result", "done again"}});
  }
}

void deliver(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  teller.say("delivery.planned", customer.deal,
             {{"due", day(teller.now() + days(35))}, {"template", "standard"}});
  do_task(teller, customer, "handover", "Hand over to delivery", 1);
  do_task(teller, customer, "kickoff", "Prepare the kickoff", 3);
  teller.say("meeting.held", customer.deal,
             {{"meeting", customer.tag + "-kickoff"}, {"kind", "kickoff"}});
  teller.say("milestone.reached", customer.deal, {{"name", "kickoff"}});
  do_task(teller, customer, "setup", "Set up the workspace", 7);
  teller.say("milestone.reached", customer.deal, {{"name", "set-up"}});
  if (random.chance(25)) {
    const auto ticket = "ticket/" + customer.tag;
    teller.say("ticket.opened", ticket, {{"kind", "issue"}, {"about", customer.deal}});
    teller.pass_days(1, 6);
    teller.say("ticket.closed", ticket);
    if (random.chance(20)) {
      teller.pass_days(1, 4);
      teller.say("ticket.reopened", ticket);
      teller.pass_days(1, 4);
      teller.say("ticket.closed", ticket);
    }
  }
  do_task(teller, customer, "training", "Train the team", 10);
  teller.say("milestone.reached", customer.deal, {{"name", "training"}});
  teller.pass_days(1, 6);
  teller.say("golive.done", customer.deal);
  if (random.chance(8)) teller.come_late(random.between(10, 90));
}

// Gives the score, -1 without an answer.
std::int64_t survey(Teller& teller, const Customer& customer, std::string_view kind) {
  auto& random = teller.random();
  const auto id = "survey/" + customer.tag + "-" + std::string{kind};
  teller.actor("system/surveys");
  teller.say("survey.sent", id,
             {{"contact", customer.tag},
              {"kind", kind},
              {"deal", customer.tag},
              {"account", customer.tag}});
  std::int64_t score = -1;
  if (random.chance(68)) {
    teller.pass(60, 6'000, false);
    score = kind == "nps" ? random.between(2, 10) : random.between(1, 5);
    teller.say("survey.answered", id, {{"score", score}});
  }
  teller.actor(actor_of(customer));
  return score;
}

void refer(Teller& teller, const Customer& customer) {
  teller.pass_days(1, 10);
  const auto friend_id = customer.tag + "-friend";
  teller.say("referral.received", customer.account, {{"lead", friend_id}});
  teller.say("lead.captured", "lead/" + friend_id,
             {{"source", "referral"}, {"company", "Friends of " + customer.company}});
}

void renew(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  const auto contract = "contract/" + customer.tag;
  if (random.chance(12)) {
    teller.pass_days(5, 30);
    teller.say("contract.changed", contract, {{"mrr", customer.money(customer.amount_minor / 10)}});
  }
  teller.pass_days(40, 80);
  if (random.chance(78)) {
    teller.say("contract.renewed", contract, {{"ends", day(teller.now() + days(400))}});
    return;
  }
  teller.say("contract.ended", contract, {{"reason", "churned"}});
  teller.pass(30, 600);
  teller.say("customer.churned", customer.account);
}

}  // namespace

void tell_delivery(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  teller.actor(actor_of(customer));
  teller.pass(60, 1'000);
  deliver(teller, customer);
  teller.pass_days(28, 32);
  survey(teller, customer, "csat");
  if (random.chance(22)) {
    teller.pass_days(1, 20);
    teller.say("upsell.identified", customer.account,
               {{"amount", customer.money(customer.amount_minor / 4)}});
  }
  teller.pass_days(25, 40);
  if (survey(teller, customer, "nps") >= 9 && random.chance(50)) refer(teller, customer);
  renew(teller, customer);
  if (random.chance(3)) {
    teller.pass_days(3, 20);
    teller.say("person.erased", customer.lead, {{"reason", "asked to be forgotten"}});
  }
}

}  // namespace dealwright::sample
