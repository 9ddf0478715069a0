// Histories that the specification is strict about, a row each: the facts as they come in, what is
// asked, and the answer that the engine and the oracle both give.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "engine/domain/form.h"
#include "tests/oracle/bed.h"

namespace dealwright::oracle {
namespace {

// A fact: "<day it comes in>[/<day it happened>|/undated] <type> <subject> [name=value ...]".
// set.name=value and unset=name fill `set` and `unset`; +name=value is undeclared.
struct Case {
  const char* what;
  std::vector<const char*> facts;
  const char* asked;  // key of the dump, then the beginning of a line
  const char* answer;
};

const Case kCases[] = {
    {"a stub's closing is read in the pipeline that its opening names",
     {"05 deal.won deal/d1", "06/02 deal.opened deal/d1 pipeline=p"},
     "record deal/d1: stage",
     "stage = \"won\""},
    {"a late opening leaves the deal where later facts put it",
     {"05 deal.stage_changed deal/d1 to=offer", "06/02 deal.opened deal/d1 pipeline=p"},
     "life deal/d1: stage_bp",
     "stage_bp 6000"},
    {"a late win is read in the pipeline that the deal was in then",
     {"01 deal.opened deal/d1 pipeline=p", "08 deal.stage_changed deal/d1 to=start pipeline=q",
      "09/04 deal.lost deal/d1 reason=price", "10/05 deal.reopened deal/d1 to=demo"},
     "life deal/d1: pipeline",
     "pipeline q"},
    {"an undated opening happened with the first dated fact behind it, though that came later",
     {"05/undated deal.opened deal/d1 pipeline=p", "09 deal.won deal/d1"},
     "life deal/d1: opened_at",
     "opened_at 2026-01-09T09:00:00.000Z"},
    {"any dated fact tells it, not only one that moves the deal",
     {"05/undated deal.opened deal/d1 pipeline=p", "09/03 note.added deal/d1 text=x"},
     "life deal/d1: opened_at",
     "opened_at 2026-01-03T09:00:00.000Z"},
    {"an undated closing has no instant",
     {"01 deal.opened deal/d1 pipeline=p", "05/undated deal.lost deal/d1 reason=price"},
     "life deal/d1: closed_at",
     "closed_at -"},
    {"entering another lost stage is no second closing",
     {"01 deal.opened deal/d1 pipeline=p", "03 deal.lost deal/d1 reason=price",
      "05 deal.stage_changed deal/d1 to=lost"},
     "life deal/d1: closed_at",
     "closed_at 2026-01-03T09:00:00.000Z"},
    {"a second deal.lost changes nothing",
     {"01 deal.opened deal/d1 pipeline=p", "03 deal.lost deal/d1 competitor=Acme",
      "05 deal.lost deal/d1 competitor=Other"},
     "record deal/d1: competitor",
     "competitor = \"Acme\""},
    {"reopening an open deal changes nothing",
     {"01 deal.opened deal/d1 pipeline=p close_date=2026-02-01",
      "03 deal.reopened deal/d1 to=demo close_date=2026-03-01"},
     "record deal/d1: close_date",
     "close_date = \"2026-02-01\""},
    {"a second offer.accepted changes nothing",
     {"01 offer.drafted offer/o1 deal=d1", "03 offer.accepted offer/o1 total=10EUR",
      "05 offer.accepted offer/o1 total=20EUR"},
     "record offer/o1: total",
     "total = {\"currency\":\"EUR\",\"minor\":1000}"},
    {"a meeting's kind is not the deal's",
     {"01 deal.opened deal/d1 pipeline=p kind=renewal",
      "03 meeting.held deal/d1 meeting=m1 kind=demo"},
     "record deal/d1: kind",
     "kind = \"renewal\""},
    {"why a lead was deleted is not why it was disqualified",
     {"01 lead.captured lead/l1", "03 lead.disqualified lead/l1 reason=budget",
      "05 lead.deleted lead/l1 reason=spam"},
     "record lead/l1: reason",
     "reason = \"budget\""},
    {"a probability that was set can be unset",
     {"01 deal.opened deal/d1 pipeline=p", "03 deal.updated deal/d1 set.probability=5500",
      "05 deal.updated deal/d1 unset=probability"},
     "life deal/d1: bp",
     "bp none"},
    {"a mistyped value is kept as extra, whose-ever field it is",
     {"01 deal.opened deal/d1 pipeline=p", "03 deal.updated deal/d1 set.probability=high"},
     "record deal/d1: extra probability",
     "extra probability = \"high\""},
    {"undeclared data of any fact is kept as extra",
     {"01 deal.opened deal/d1 pipeline=p", "03 note.added deal/d1 text=x +mood=good"},
     "record deal/d1: extra mood",
     "extra mood = \"good\""},
    {"a late first capture gives the source, but not over one that was set",
     {"05 lead.captured lead/l1 source=web", "06 lead.updated lead/l1 set.source=fair",
      "07/02 lead.captured lead/l1 source=phone"},
     "record lead/l1: source",
     "source = \"fair\""},
    {"the source of the first capture stays",
     {"05 lead.captured lead/l1 source=web", "07/02 lead.captured lead/l1 source=phone"},
     "record lead/l1: source",
     "source = \"phone\""},
    {"a deal opened from a merged lead converts the winner",
     {"01 lead.captured lead/l1", "02 lead.captured lead/l2", "03 lead.merged lead/l1 into=l2",
      "05 deal.opened deal/d1 pipeline=p lead=l1"},
     "life lead/l2: state",
     "state converted"},
    {"an undated opening converts its lead behind all that is known of it",
     {"01 lead.captured lead/l1", "02 lead.qualified lead/l1",
      "05/undated deal.opened deal/d1 pipeline=p lead=l1"},
     "record lead/l1: newest",
     "newest 2026-01-02T09:00:00.000Z#4"},
    {"what the winner had before stays, though it is heard of later",
     {"03 lead.captured lead/l1 company=Loser", "03 lead.captured lead/l2",
      "05 lead.merged lead/l1 into=l2", "06/04 lead.updated lead/l2 set.company=Winner"},
     "record lead/l2: company",
     "company = \"Winner\""},
    {"the stricter consent stands: the winner's withdrawal against the loser's newer grant",
     {"01 consent.withdrawn contact/c2 purpose=news channel=email source=web",
      "03 consent.granted contact/c1 purpose=news channel=email source=web",
      "05 contact.merged contact/c1 into=c2"},
     "record contact/c2: consent news email withdrawn 2026-01-05",
     "consent news email withdrawn 2026-01-05T09:00:00.000Z#4 until none basis  source web"},
    {"a withdrawal that the loser took back itself is not said again",
     {"01 consent.withdrawn contact/c1 purpose=news channel=email source=web",
      "03 consent.granted contact/c1 purpose=news channel=email source=web",
      "05 contact.merged contact/c1 into=c2"},
     "record contact/c2: consent news email withdrawn",
     "consent news email withdrawn 2026-01-01T09:00:00.000Z#2 until none basis  source web"},
    {"a task's due day is not set by an update",
     {"01 task.created task/t1 kind=call title=x", "03 task.updated task/t1 set.title=y"},
     "record task/t1: title",
     "title = \"y\""},
    {"a rule that was paused by hand stays paused when it is published anew",
     {"01 rule.published rule/win-back text=@", "02 rule.paused rule/win-back",
      "03 rule.published rule/win-back text=@ version=2"},
     "rule win-back 2: paused",
     "paused"},
};

Value value_of(const std::string& text) {
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos) {
    return Value{static_cast<std::int64_t>(std::stoll(text))};
  }
  const auto euros = text.find("EUR");
  if (euros != std::string::npos) return Value{text.substr(0, euros) + " EUR"};
  return Value{text};
}

Instant day(const std::string& number) {
  return start_of(parse_date("2026-01-" + number).value()) + hours(9);
}

Event read_fact(const std::string& line, FakeClock& clock) {
  std::istringstream words{line};
  std::string when, type, subject;
  words >> when >> type >> subject;
  Event event;
  event.source = "crm";
  event.id = line;
  const auto* spec = event_spec(type);
  EXPECT_NE(spec, nullptr) << line;
  event.type = spec->type;
  event.subject = parse_record_key(subject);
  const auto slash = when.find('/');
  clock.set_wall(day(when.substr(0, 2)));
  if (slash == std::string::npos) {
    event.time = clock.wall();
  } else if (when.substr(slash + 1) == "undated") {
    event.import_batch = "b";
  } else {
    event.time = day(when.substr(slash + 1));
  }
  Map data, set;
  List unset;
  for (std::string word; words >> word;) {
    const auto name = word.substr(0, word.find('='));
    const auto value = word.substr(word.find('=') + 1);
    if (name.starts_with("set.")) {
      set.emplace_back(name.substr(4), value_of(value));
    } else if (name == "unset") {
      unset.emplace_back(value);
    } else if (value == "@") {
      data.emplace_back(
          name, Value{read_file(DW_SOURCE_DIR "/deploy/rules/" + event.subject.id + ".rule.yaml")});
    } else {
      data.emplace_back(name.starts_with("+") ? name.substr(1) : name, value_of(value));
    }
  }
  if (!set.empty()) data.emplace_back("set", Value{std::move(set)});
  if (!unset.empty()) data.emplace_back("unset", Value{std::move(unset)});
  const auto sorted = Value{std::move(data)};
  const auto errors = fill_data(event, *sorted.as_map());
  EXPECT_TRUE(errors.empty()) << line << ": " << (errors.empty() ? "" : errors[0].detail);
  return event;
}

Event pipeline(const char* id, const char* first) {
  Event event;
  event.source = "ops";
  event.id = id;
  event.type = TypeId::kPipelineUpdated;
  event.subject = {Kind::kPipeline, id};
  event.time = day("01") - days(9);
  List stages;
  const auto stage = [&](const char* name, const char* category, int bp) {
    stages.emplace_back(
        Map{{"id", Value{name}}, {"category", Value{category}}, {"probability", Value{bp}}});
  };
  stage(first, "open", 1000);
  stage("demo", "open", 3000);
  stage("offer", "open", 6000);
  stage("won", "won", 10'000);
  stage("lost", "lost", 0);
  event.data.set(Field::kStages, Value{std::move(stages)});
  return event;
}

std::string line_of(const Dump& dump, const std::string& asked) {
  const auto cut = asked.find(": ");
  const auto it = dump.find(asked.substr(0, cut));
  if (it == dump.end()) return "no " + asked.substr(0, cut);
  const auto wanted = asked.substr(cut + 2);
  std::istringstream lines{it->second};
  std::string last = "no line " + wanted;
  for (std::string line; std::getline(lines, line);) {
    const bool begins = line.starts_with(wanted);
    if (begins && (line.size() == wanted.size() || line[wanted.size()] == ' ' ||
                   line[wanted.size()] == 'T')) {
      last = line;
    }
  }
  return last;
}

TEST(CasesTest, EngineAndOracleGiveTheAnswerOfTheSpecification) {
  for (const auto& row : kCases) {
    SCOPED_TRACE(row.what);
    Bed bed{1};
    bed.clock.set_wall(day("01"));
    bed.start();
    if (!std::string_view{row.facts.front()}.starts_with("01 rule")) bed.add(pipeline("p", "lead"));
    if (std::string_view{row.answer} == "pipeline q") bed.add(pipeline("q", "start"));
    for (const auto* fact : row.facts) {
      bed.add(read_fact(fact, bed.clock));
      bed.run();
    }
    for (const auto* asked : {"02", "04", "07"}) bed.instants.push_back(day(asked));
    EXPECT_EQ(line_of(dump_of(bed.partition->state()), row.asked), row.answer) << "the engine";
    EXPECT_TRUE(bed.compare(true));
    EXPECT_EQ(line_of(bed.oracle.dump(), row.asked), row.answer) << "the oracle";
  }
}

TEST(CasesTest, FieldsWithAnEventOfTheirOwnAreNotUpdated) {
  for (const auto* fact :
       {"03 deal.updated deal/d1 set.stage=won", "03 deal.updated deal/d1 unset=stage",
        "03 task.updated task/t1 set.due=2026-01-05T09:00:00Z",
        "03 lead.updated lead/l1 unset=owner",
        "03 deal.stage_changed deal/d2 to=demo pipeline=unheard-of"}) {
    Bed bed{1};
    bed.clock.set_wall(day("01"));
    bed.start();
    bed.add(pipeline("p", "lead"));
    bed.add(read_fact("01 deal.opened deal/d1 pipeline=p", bed.clock));
    bed.add(read_fact(fact, bed.clock));
    bed.run();
    EXPECT_EQ(bed.partition->state().meta.refused, 1U) << fact;
  }
}

}  // namespace
}  // namespace dealwright::oracle
