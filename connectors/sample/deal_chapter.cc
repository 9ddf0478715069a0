// Steps 4 to 7: a deal from its opening to its close.
#include "connectors/sample/story.h"

namespace dealwright::sample {
namespace {

constexpr std::string_view kObjections[] = {"price", "security", "timing", "features", "authority"};
constexpr std::string_view kRivals[] = {"Pipewright", "Closely", "DealForge"};
constexpr std::string_view kLosses[] = {"price", "timing", "features", "competitor"};

// The deal's offers and contract on the way.
struct Paper {
  int offers = 0;
  std::int64_t total = 0;
  std::string offer;
  std::string contract;
  bool contract_sent = false;
};

std::string actor_of(const Customer& customer) { return "user/" + std::string{customer.owner->id}; }

std::string manager_of(const Customer& customer) {
  for (const auto& seller : sellers()) {
    if (seller.manager && seller.team == customer.owner->team) return std::string{seller.id};
  }
  return {};
}

Value day(Instant at) { return Value{to_text(utc_date(at))}; }

void open(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  teller.say("account.updated", customer.account,
             {{"set", Map{{"name", customer.company},
                          {"country", customer.country},
                          {"tz", customer.zone},
                          {"region", customer.owner->team == "emea" ? "EMEA" : "AMER"}}}});
  teller.say("contact.updated", customer.contact,
             {{"set", Map{{"name", customer.person},
                          {"emails", List{Value{customer.email}}},
                          {"account", customer.tag}}}});
  teller.say("deal.opened", customer.deal,
             {{"pipeline", "sales"},
              {"lead", customer.tag},
              {"account", customer.tag},
              {"contacts", List{Value{Map{{"contact", customer.tag}, {"role", "buyer"}}}}},
              {"name", customer.company + " 2026"},
              {"amount", customer.money(customer.amount_minor)},
              {"close_date", day(teller.now() + days(random.between(40, 90)))},
              {"owner", customer.owner->id},
              {"team", customer.owner->team},
              {"region", customer.owner->team == "emea" ? "EMEA" : "AMER"}});
  teller.say("needs.captured", customer.deal,
             {{"budget", customer.money(customer.amount_minor)},
              {"need", "fewer lost follow-ups"},
              {"authority", random.chance(60) ? Value{"head of sales"} : Value{Null{}}}});
  teller.say("deal.next_step_set", customer.deal,
             {{"text", "Agree on a date for the demo"}, {"due", to_text(teller.now() + days(3))}});
}

void demo(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  const auto meeting = customer.tag + "-demo";
  teller.pass_days(1, 4);
  teller.say("deal.stage_changed", customer.deal, {{"to", "demo"}});
  teller.say("meeting.scheduled", customer.deal,
             {{"meeting", meeting}, {"kind", "demo"}, {"starts", to_text(teller.now() + days(5))}});
  teller.pass_days(3, 7);
  teller.say("meeting.held", customer.deal, {{"meeting", meeting}, {"kind", "demo"}});
  if (random.chance(30)) {
    teller.say("competitor.noted", customer.deal, {{"name", random.pick(kRivals)}});
  }
  if (random.chance(10)) {
    teller.say("com.example.webinar_joined", customer.deal, {{"minutes", random.between(10, 60)}});
  }
}

void draft(Teller& teller, const Customer& customer, Paper& paper) {
  const auto before = paper.offer;
  paper.offer = "offer/" + customer.tag + "-" + std::to_string(++paper.offers);
  Map data{
      {"deal", customer.tag},
      {"version", paper.offers},
      {"total", customer.money(paper.total)},
      {"list", customer.money(customer.amount_minor)},
      {"valid_until", day(teller.now() + days(30))},
      {"lines",
       List{Value{Map{{"product", "suite"}, {"qty", 1}, {"unit", customer.money(paper.total)}}}}}};
  if (paper.offers == 1 || before.empty()) {
    teller.say("offer.drafted", paper.offer, std::move(data));
  } else {
    data.emplace_back("supersedes", before.substr(before.find('/') + 1));
    teller.say("offer.revised", paper.offer, std::move(data));
  }
}

void ask_discount(Teller& teller, const Customer& customer, Paper& paper) {
  auto& random = teller.random();
  const auto bp = random.between(3, 24) * 100;
  teller.say("discount.requested", customer.deal,
             {{"bp", bp}, {"reason", "competitor is cheaper"}});
  if (bp > 1'000) {
    const auto approval = customer.tag + "-discount-" + std::to_string(paper.offers);
    const auto manager = manager_of(customer);
    const auto say = [&](const char* type) {
      teller.say(type, customer.deal,
                 {{"approval", approval}, {"kind", "discount"}, {"by", manager}});
    };
    say("approval.requested");
    teller.pass(60, 2'500);
    teller.actor("user/" + manager);
    const bool granted = random.chance(75);
    say(granted ? "approval.granted" : "approval.rejected");
    teller.actor(actor_of(customer));
    if (!granted) return;
  }
  paper.total = paper.total / 10'000 * (10'000 - bp);
}

void send_offer(Teller& teller, const Customer& customer, Paper& paper) {
  auto& random = teller.random();
  teller.pass(60, 2'000);
  teller.say("offer.sent", paper.offer,
             {{"deal", customer.tag}, {"total", customer.money(paper.total)}});
  if (random.chance(2)) teller.come_twice();
  if (random.chance(65)) {
    teller.pass(60, 4'000, false);
    teller.actor("");
    teller.say("offer.viewed", paper.offer, {{"deal", customer.tag}});
    teller.actor(actor_of(customer));
  }
  if (random.chance(50)) {
    teller.pass_days(1, 9);
    teller.say("offer.answered", paper.offer, {{"deal", customer.tag}});
  } else {
    teller.pass_days(7, 16);
    teller.say("contact.attempted", customer.contact, {{"channel", "call"}});
  }
}

void object(Teller& teller, const Customer& customer, int number) {
  auto& random = teller.random();
  const auto objection = customer.tag + "-" + std::to_string(number);
  const std::string_view type = random.pick(kObjections);
  teller.pass_days(1, 4);
  teller.say("objection.raised", customer.deal, {{"objection", objection}, {"type", type}});
  if (!random.chance(80)) return;
  teller.pass_days(1, 6);
  teller.say("objection.resolved", customer.deal, {{"objection", objection}, {"type", type}});
}

void negotiate(Teller& teller, const Customer& customer, Paper& paper) {
  auto& random = teller.random();
  if (random.chance(45)) object(teller, customer, 1);
  if (random.chance(40)) {
    teller.pass_days(0, 3);
    teller.say(
        "deal.close_date_moved", customer.deal,
        {{"to", day(teller.now() + days(random.between(14, 60)))}, {"reason", "budget round"}});
  }
  if (random.chance(35)) {
    ask_discount(teller, customer, paper);
    draft(teller, customer, paper);
    send_offer(teller, customer, paper);
  }
  if (random.chance(25)) {
    teller.say("deal.amount_changed", customer.deal, {{"amount", customer.money(paper.total)}});
  }
  if (!random.chance(70)) return;
  teller.pass_days(1, 5);
  teller.say("deal.stage_changed", customer.deal, {{"to", "negotiation"}});
  paper.contract = "contract/" + customer.tag + "-" + std::to_string(paper.offers);
  teller.say("contract.drafted", paper.contract,
             {{"deal", customer.tag},
              {"account", customer.tag},
              {"mrr", customer.money(paper.total / 12)}});
  teller.pass_days(0, 3);
  teller.say("contract.sent", paper.contract, {{"deal", customer.tag}});
  paper.contract_sent = true;
  if (random.chance(60)) {
    teller.pass(100, 3'000, false);
    teller.say("contract.viewed", paper.contract, {{"deal", customer.tag}});
  }
}

void win(Teller& teller, const Customer& customer, const Paper& paper) {
  teller.pass_days(1, 6);
  teller.say("offer.accepted", paper.offer, {{"deal", customer.tag}});
  const auto term = teller.random().chance(50) ? 182 : 365;
  const auto contract = "contract/" + customer.tag;
  teller.say("contract.signed", contract,
             {{"deal", customer.tag},
              {"account", customer.tag},
              {"mrr", customer.money(paper.total / 12)},
              {"starts", day(teller.now() + days(7))},
              {"ends", day(teller.now() + days(7 + term))}});
  teller.pass(5, 60);
  teller.say("deal.won", customer.deal, {{"amount", customer.money(paper.total)}});
}

void lose(Teller& teller, const Customer& customer, Paper& paper) {
  auto& random = teller.random();
  teller.pass_days(2, 12);
  static constexpr std::string_view kEnds[] = {"offer.declined", "offer.expired",
                                               "offer.withdrawn"};
  teller.say(random.pick(kEnds), paper.offer, {{"deal", customer.tag}});
  if (paper.contract_sent)
    teller.say("contract.declined", paper.contract, {{"deal", customer.tag}});
  paper.offer.clear();
  paper.contract_sent = false;
  if (random.chance(25)) {
    teller.say("deal.lost", customer.deal, {{"no_decision", true}});
    return;
  }
  const std::string_view reason = random.pick(kLosses);
  Map data{{"reason", reason}};
  if (reason == "competitor") data.emplace_back("competitor", random.pick(kRivals));
  teller.say("deal.lost", customer.deal, std::move(data));
}

bool close(Teller& teller, const Customer& customer, Paper& paper, std::int64_t win_percent) {
  if (teller.random().chance(win_percent)) {
    win(teller, customer, paper);
    return true;
  }
  lose(teller, customer, paper);
  return false;
}

}  // namespace

bool tell_deal(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  teller.pass(20, 600);
  open(teller, customer);
  demo(teller, customer);
  Paper paper;
  paper.total = customer.amount_minor;
  teller.pass_days(1, 4);
  teller.say("deal.stage_changed", customer.deal, {{"to", "proposal"}});
  draft(teller, customer, paper);
  send_offer(teller, customer, paper);
  negotiate(teller, customer, paper);
  if (random.chance(4)) {
    teller.say("deal.assigned", customer.deal, {{"owner", manager_of(customer)}});
  }
  if (close(teller, customer, paper, 48)) return true;
  if (!random.chance(12)) return false;
  teller.pass_days(25, 60);
  teller.say("deal.reopened", customer.deal,
             {{"to", "proposal"}, {"close_date", day(teller.now() + days(30))}});
  draft(teller, customer, paper);
  send_offer(teller, customer, paper);
  return close(teller, customer, paper, 55);
}

}  // namespace dealwright::sample
