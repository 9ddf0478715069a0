// Steps 2 and 3, and the meeting that opens step 4.
#include "connectors/sample/story.h"

namespace dealwright::sample {
namespace {

constexpr std::string_view kSources[] = {"web", "web", "fair", "referral", "list", "partner"};
constexpr std::string_view kCampaigns[] = {"spring-2026", "webinar-series", "relaunch", "search"};
constexpr std::string_view kPages[] = {"/pricing", "/demo", "/blog/zones", "/guide", "/security"};
constexpr std::string_view kReasons[] = {"no_budget", "no_fit", "wrong_contact", "unreachable"};

std::string actor_of(const Customer& customer) { return "user/" + std::string{customer.owner->id}; }

void capture(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  const std::string_view source = random.pick(kSources);
  const std::string_view campaign = random.pick(kCampaigns);
  teller.say("lead.captured", customer.lead,
             {{"source", source},
              {"campaign", campaign},
              {"company", customer.company},
              {"person", Map{{"name", customer.person},
                             {"emails", List{Value{customer.email}}},
                             {"country", customer.country}}}});
  if (random.chance(4)) teller.come_twice();
  if (customer.consents) {
    teller.say("consent.granted", customer.lead,
               {{"purpose", "marketing"},
                {"channel", "email"},
                {"basis", "consent"},
                {"source", "web form"},
                {"wording", "Yes, send me news"}});
  }
  if (random.chance(35)) {
    teller.pass(1, 60, false);
    teller.say("content.viewed", customer.lead, {{"url", random.pick(kPages)}});
    if (random.chance(10)) teller.come_undated();
  }
  if (random.chance(8)) {
    teller.say("com.example.cart_left", customer.lead, {{"items", random.between(1, 4)}});
  }
}

// False: nobody was ever reached.
bool reach(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  teller.actor("system/routing");
  teller.pass(1, 30);
  teller.say("lead.assigned", customer.lead,
             {{"owner", customer.owner->id}, {"team", customer.owner->team}});
  if (random.chance(40)) {
    teller.say(
        "lead.enriched", customer.lead,
        {{"set", Map{{"company", customer.company}, {"employees", random.between(5, 4'000)}}}});
  }
  teller.say("lead.scored", customer.lead, {{"score", random.between(5, 95)}});
  teller.actor(actor_of(customer));
  for (int attempt = 0; attempt < 4; ++attempt) {
    teller.pass(20, 2'000);
    const char* channel = attempt == 2 ? "email" : "call";
    if (random.chance(45)) {
      teller.say("contact.reached", customer.lead, {{"channel", channel}});
      if (random.chance(6)) teller.come_late(random.between(3, 120));
      return true;
    }
    teller.say("contact.attempted", customer.lead, {{"channel", channel}});
  }
  return false;
}

void send_mail(Teller& teller, const Customer& customer, int number) {
  auto& random = teller.random();
  const auto message = customer.tag + "-m" + std::to_string(number);
  teller.actor("system/nurture");
  teller.say("email.sent", customer.lead, {{"message", message}});
  teller.pass(1, 5, false);
  if (random.chance(3)) {
    teller.say("email.bounced", customer.lead, {{"message", message}, {"hard", random.chance(50)}});
    return;
  }
  teller.say("email.delivered", customer.lead, {{"message", message}});
  if (!random.chance(45)) return;
  teller.pass(10, 2'000, false);
  teller.say("email.opened", customer.lead, {{"message", message}});
  if (random.chance(40)) {
    teller.pass(1, 30, false);
    teller.say("email.clicked", customer.lead,
               {{"message", message}, {"url", random.pick(kPages)}});
  }
  if (random.chance(12)) {
    teller.pass(5, 600, false);
    teller.say("email.replied", customer.lead, {{"message", message}, {"auto", random.chance(60)}});
  }
}

// True: it comes back.
bool nurture(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  teller.pass_days(1, 5);
  teller.actor("system/nurture");
  teller.say("nurture.enrolled", customer.lead, {{"track", "not-now"}});
  for (int mail = 1; mail <= 3; ++mail) {
    teller.pass_days(20, 32);
    send_mail(teller, customer, mail);
    if (random.chance(6)) {
      teller.pass(5, 90, false);
      teller.actor("");
      teller.say("consent.withdrawn", customer.lead,
                 {{"purpose", "marketing"}, {"channel", "all"}, {"source", "unsubscribe link"}});
      break;
    }
    if (random.chance(2)) {
      teller.say("email.complained", customer.lead,
                 {{"message", customer.tag + "-m" + std::to_string(mail)}});
      break;
    }
    if (random.chance(18)) {
      teller.actor(actor_of(customer));
      teller.pass_days(1, 3);
      teller.say("nurture.exited", customer.lead, {{"track", "not-now"}});
      teller.say("lead.recycled", customer.lead);
      teller.pass_days(1, 6);
      teller.say("contact.reached", customer.lead, {{"channel", "call"}});
      return true;
    }
  }
  teller.actor("system/nurture");
  teller.pass_days(1, 3);
  teller.say("nurture.exited", customer.lead, {{"track", "not-now"}});
  return false;
}

// True: it is worth going on.
bool disqualify(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  teller.pass_days(0, 4);
  if (random.chance(45)) {
    const auto until = utc_date(teller.now() + days(random.between(30, 90)));
    teller.say("lead.disqualified", customer.lead,
               {{"reason", "not_now"}, {"not_now_until", to_text(until)}});
    return customer.consents && nurture(teller, customer);
  }
  teller.say("lead.disqualified", customer.lead, {{"reason", random.pick(kReasons)}});
  if (random.chance(5)) {
    teller.pass_days(20, 120);
    teller.actor("");
    capture(teller, customer);  // here again: a new lead
    return reach(teller, customer);
  }
  return false;
}

void meet(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  const auto meeting = customer.tag + "-discovery";
  const auto say = [&](const char* type, std::int64_t days_ahead) {
    teller.say(type, customer.lead,
               {{"meeting", meeting},
                {"kind", "discovery"},
                {"starts", to_text(teller.now() + days(days_ahead))}});
  };
  teller.pass_days(0, 3);
  say("meeting.scheduled", 3);
  if (random.chance(15)) {
    teller.pass_days(0, 2);
    say("meeting.rescheduled", 4);
  }
  teller.pass_days(2, 5);
  if (random.chance(12)) {
    say("meeting.no_show", 0);
    teller.pass_days(1, 3);
    say("meeting.scheduled", 3);
    teller.pass_days(2, 4);
  }
  say("meeting.held", 0);
  if (random.chance(10)) teller.come_late(random.between(2, 40));
}

}  // namespace

bool tell_lead(Teller& teller, const Customer& customer) {
  auto& random = teller.random();
  capture(teller, customer);
  const bool reached = reach(teller, customer);
  if (!(reached && random.chance(60)) && !disqualify(teller, customer)) return false;
  teller.actor(actor_of(customer));
  teller.pass_days(0, 3);
  teller.say("lead.qualified", customer.lead, {{"level", "sql"}});
  if (random.chance(6)) {
    teller.say("note.added", customer.lead, {{"text", "Asked for a call after the holidays"}});
    teller.come_undated();
  }
  if (random.chance(3)) {  // the same person, captured twice
    const auto twin = customer.lead + "-twin";
    teller.say("lead.captured", twin, {{"source", "fair"}, {"company", customer.company}});
    teller.pass(30, 600);
    teller.say("lead.merged", twin, {{"into", customer.tag}});
  }
  meet(teller, customer);
  if (random.chance(5)) {
    teller.say("meeting.cancelled", customer.lead,
               {{"meeting", customer.tag + "-second"}, {"kind", "review"}});
  }
  return true;
}

}  // namespace dealwright::sample
