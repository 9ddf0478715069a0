// Rules: those in force, drafts of them, what is wrong with a text, publish, pause, resume, retire.
#include <algorithm>

#include "connectors/daemon/api/api.h"
#include "connectors/daemon/rule_book.h"
#include "connectors/http/etag.h"
#include "rules/check/diagnostic.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Problem;
using http::Request;
using http::Response;

constexpr std::string_view kYaml = "application/yaml";

std::string tag_of(std::string_view text) {
  return http::make_etag(hex(sha256(text)).substr(0, 32));
}

Result<Page> list(Parts& parts) {
  DW_TRY(const auto known, published_rules(parts.workspace));
  DW_TRY(const auto drafts, parts.drafts.list());
  Page out;
  out.rows.columns = {{"rule", "text"},
                      {"version", "int"},
                      {"status", "text"},
                      {"name", "text"},
                      {"draft", "bool"}};
  std::vector<std::string> left = drafts;
  for (const auto& rule : known) {
    if (rule.status.empty()) continue;  // an older version
    const auto draft = std::find(left.begin(), left.end(), rule.rule);
    const bool drafted = draft != left.end();
    if (drafted) left.erase(draft);
    out.rows.rows.push_back({Value{rule.rule}, Value{std::int64_t{rule.version}},
                             Value{rule.status}, Value{rule_name(rule.text)}, Value{drafted}});
  }
  for (const auto& rule : left) {
    DW_TRY(const auto text, parts.drafts.read(rule));
    out.rows.rows.push_back(
        {Value{rule}, Value{0}, Value{"draft"}, Value{rule_name(text.value_or(""))}, Value{true}});
  }
  return out;
}

Result<Page> versions(Parts& parts, const std::string& rule) {
  DW_TRY(const auto known, published_rules(parts.workspace));
  Page out;
  out.rows.columns = {{"rule", "text"}, {"version", "int"}, {"status", "text"}, {"text", "text"}};
  for (const auto& one : known) {
    if (one.rule != rule) continue;
    out.rows.rows.push_back({Value{one.rule}, Value{std::int64_t{one.version}},
                             Value{one.status.empty() ? "replaced" : one.status}, Value{one.text}});
  }
  if (!out.rows.rows.empty()) return out;
  DW_TRY(const auto none, newest_rule(known, rule));  // says what is near
  return out;
}

// The text that a writer would go on from: the draft, else what is in force.
struct Standing {
  std::optional<PublishedRule> published;
  std::optional<std::string> draft;
  std::optional<std::string> tag() const {
    if (draft) return tag_of(*draft);
    return published ? std::optional{tag_of(published->text)} : std::nullopt;
  }
};
Result<Standing> standing_of(Parts& parts, const std::string& rule) {
  Standing out;
  DW_TRY(out.draft, parts.drafts.read(rule));
  DW_TRY(const auto known, published_rules(parts.workspace));
  for (const auto& one : known) {
    if (one.rule == rule && !one.status.empty()) out.published = one;
  }
  if (out.draft || out.published) return out;
  DW_TRY(const auto none, newest_rule(known, rule));
  return out;
}

Value rule_value(const std::string& rule, const Standing& standing) {
  Map out{{"rule", Value{rule}}};
  if (const auto& published = standing.published) {
    out.emplace_back("version", Value{std::int64_t{published->version}});
    out.emplace_back("status", Value{published->status});
    out.emplace_back("text", Value{published->text});
  } else {
    out.emplace_back("version", Value{0});
    out.emplace_back("status", Value{"draft"});
  }
  if (standing.draft) out.emplace_back("draft", Value{*standing.draft});
  return Value{std::move(out)};
}

// ---- what is wrong with a text

std::vector<http::ProblemDetail> faults_of(const std::vector<rules::Diagnostic>& diagnostics) {
  std::vector<http::ProblemDetail> out;
  for (const auto& one : diagnostics) {
    if (one.severity != rules::Severity::kError) continue;
    http::ProblemDetail fault;
    fault.line = one.at.line;
    fault.column = one.at.column;
    fault.detail = "DW" + std::to_string(one.code) + " " + one.message;
    fault.hint = one.hint;
    out.push_back(std::move(fault));
  }
  return out;
}

Value diagnostics_value(const rules::CompiledRule& compiled, const std::string& text) {
  dealwright::List list;
  for (const auto& one : compiled.diagnostics) {
    list.emplace_back(Map{{"severity", Value{rules::severity_name(one.severity)}},
                          {"code", Value{"DW" + std::to_string(one.code)}},
                          {"line", Value{std::int64_t{one.at.line}}},
                          {"column", Value{std::int64_t{one.at.column}}},
                          {"message", Value{one.message}},
                          {"hint", Value{one.hint}},
                          {"text", Value{rules::render(one, compiled.rule + ".rule.yaml", text)}}});
  }
  return Value{Map{{"rule", Value{compiled.rule}},
                   {"sound", Value{!has_errors(compiled)}},
                   {"diagnostics", Value{std::move(list)}}}};
}

Value tests_value(const rules::CompiledRule& compiled, const std::string& text) {
  Map out = *diagnostics_value(compiled, text).as_map();
  dealwright::List list;
  bool passed = !has_errors(compiled);
  if (passed) {
    for (const auto& test : test_rule(compiled)) {
      passed = passed && test.passed;
      list.emplace_back(Map{{"test", Value{test.name}},
                            {"line", Value{std::int64_t{test.at.line}}},
                            {"passed", Value{test.passed}},
                            {"report", Value{test.passed ? "" : test.report}}});
    }
  }
  out.emplace_back("passed", Value{passed});
  out.emplace_back("tests", Value{std::move(list)});
  return Value{std::move(out)};
}

Problem rule_problem(std::vector<http::ProblemDetail> faults) {
  Problem out;
  out.code = "rule_invalid";
  out.status = 422;
  out.title = "The rule has errors";
  out.detail = faults.empty() ? "a test of the rule's own fails" : faults.front().detail;
  out.errors = std::move(faults);
  return out;
}

// ---- changes

// What a worker found: an answer, made without the request's trace.
struct Outcome {
  std::optional<Problem> problem;
  Value value;
  std::string tag;
  int status = 200;
};
Outcome failed(Problem problem) {
  Outcome out;
  out.problem = std::move(problem);
  return out;
}

Awaitable<Response> answer_outcome(Parts& parts, Request& request,
                                   std::function<Result<Outcome>()> work) {
  const auto done = co_await http::run_blocking<Outcome>(parts.pool, std::move(work));
  if (!done) co_return http::problem_response(done.error(), request.trace);
  if (done.value().problem) {
    co_return http::problem_response(*done.value().problem, request.trace);
  }
  auto out = http::json_response(done.value().value, done.value().status);
  if (!done.value().tag.empty()) out.fields.add("ETag", done.value().tag);
  co_return out;
}

// Writes a draft; it may have errors, which the answer tells.
Result<Outcome> put_draft(Parts& parts, const Request& request) {
  const auto& rule = request.param("rule");
  auto standing = standing_of(parts, rule);
  if (!standing && standing.error().code != Code::kNotFound) return standing.error();
  const auto tag = standing ? standing.value().tag() : std::nullopt;
  if (const auto code = http::check_conditions(request.fields, "PUT", tag, tag.has_value())) {
    return failed(http::make_problem(*code, tag ? "its tag is " + *tag : "there is no such rule"));
  }
  DW_TRY(const auto compiled, check_rule(parts.workspace, request.body));
  if (compiled.rule != rule) {
    auto problem = rule_problem({});
    problem.detail = "the text is of rule '" + compiled.rule + "', the path of '" + rule + "'";
    return failed(std::move(problem));
  }
  const auto before = standing ? standing.value().draft : std::nullopt;
  const auto written = parts.drafts.write(rule, before, request.body);
  if (!written && written.error().code == Code::kConflict) {
    return failed(http::make_problem("stale", "somebody wrote it meanwhile: read it again"));
  }
  DW_TRY(written);
  Outcome out;
  out.status = tag ? 200 : 201;
  out.value = diagnostics_value(compiled, request.body);
  out.tag = tag_of(request.body);
  return out;
}

Result<Outcome> publish(Parts& parts, const Request& request) {
  const auto& rule = request.param("rule");
  DW_TRY(const auto standing, standing_of(parts, rule));
  if (const auto code = http::check_conditions(request.fields, "POST", standing.tag())) {
    return failed(http::make_problem(*code, "its tag is " + standing.tag().value_or("none")));
  }
  const auto text = standing.draft ? *standing.draft : standing.published->text;
  DW_TRY(const auto compiled, check_rule(parts.workspace, text));
  if (has_errors(compiled)) return failed(rule_problem(faults_of(compiled.diagnostics)));
  const auto tests = rules::diagnostics_of(test_rule(compiled));
  if (!tests.empty()) return failed(rule_problem(faults_of(tests)));
  DW_TRY(const auto done,
         publish_rule(parts.workspace, compiled, text,
                      {actor_of(request), fresh_id(parts, request, "rule.published-" + rule)}));
  DW_TRY(parts.drafts.remove(rule, text));
  Outcome out;
  out.value = Value{Map{{"rule", Value{rule}},
                        {"version", Value{std::int64_t{done.version}}},
                        {"changed", Value{!done.unchanged}}}};
  out.tag = tag_of(text);
  return out;
}

Result<Value> change(Parts& parts, const Request& request, TypeId to) {
  const auto& rule = request.param("rule");
  const auto what = std::string{spec_of(to).name} + "-" + rule;
  DW_TRY(const bool changed, switch_rule(parts.workspace, rule, to,
                                         {actor_of(request), fresh_id(parts, request, what)}));
  return Value{
      Map{{"rule", Value{rule}}, {"status", Value{status_after(to)}}, {"changed", Value{changed}}}};
}

Awaitable<Response> show(Parts& parts, Request& request) {
  std::function<Result<Standing>()> work = [&parts, &request] {
    return standing_of(parts, request.param("rule"));
  };
  const auto found = co_await http::run_blocking<Standing>(parts.pool, std::move(work));
  if (!found) co_return http::problem_response(found.error(), request.trace);
  const auto tag = found.value().tag();
  Response out;
  if (const auto code = http::check_conditions(request.fields, request.method, tag)) {
    if (*code == "stale")
      co_return http::problem_response(http::make_problem(*code), request.trace);
    out.status = 304;
  } else {
    out = http::json_response(rule_value(request.param("rule"), found.value()));
  }
  out.fields.add("ETag", *tag);
  co_return out;
}

void take_yaml(http::Route& route) {
  route.takes = {std::string{kYaml}, "text/yaml", "text/plain"};
  route.body_bytes = std::size_t{256} << 10;
}

http::Parameter rule_parameter() { return segment("rule", "the rule's id", kRulePattern); }

void add_texts(Parts& parts, Routes& out) {
  auto one = get("/v1/rules/{rule}", "get_rule", "A rule's text in force, and its draft", "rules",
                 [&parts](Request& request) { return show(parts, request); });
  one.parameters.push_back(rule_parameter());
  one.answer_schema = "Rule";
  add_tags(one);
  one.problems.emplace_back("not_found");
  out.push_back(std::move(one));

  auto put = post("/v1/rules/{rule}", "put_rule", "Write a draft", "rules", authors(),
                  [&parts](Request& request) {
                    std::function<Result<Outcome>()> work = [&parts, &request] {
                      return put_draft(parts, request);
                    };
                    return answer_outcome(parts, request, std::move(work));
                  });
  put.method = "PUT";
  put.parameters.push_back(rule_parameter());
  put.also = {201};
  put.fields = {"ETag"};
  put.parameters.push_back(header("If-Match", "the ETag that the text was made from"));
  put.parameters.push_back(header("If-None-Match", "*: only if there is no such rule yet"));
  take_yaml(put);
  put.answer_schema = "Diagnostics";
  put.problems = {"stale", "if_match_missing", "rule_invalid", "io", "no_space"};
  out.push_back(std::move(put));

  const auto judge = [&](const char* name, const char* summary,
                         Value (*say)(const rules::CompiledRule&, const std::string&)) {
    auto route =
        post(std::string{"/v1/rules/"} + name, std::string{name} + "_rule", summary, "rules",
             authors(), [&parts, say](Request& request) {
               std::function<Result<Value>()> work = [&parts, &request, say]() -> Result<Value> {
                 DW_TRY(const auto compiled, check_rule(parts.workspace, request.body));
                 return say(compiled, request.body);
               };
               return answer_value(parts, request, std::move(work));
             });
    take_yaml(route);
    route.answer_schema = "Diagnostics";
    out.push_back(std::move(route));
  };
  judge("check", "Everything that is wrong with a text, and how to mend it", diagnostics_value);
  judge("test", "Run the tests that stand in a text, on a virtual clock", tests_value);
}

void add_acts(Parts& parts, Routes& out) {
  auto publishes =
      post("/v1/rules/{rule}/publish", "publish_rule", "Put the draft in force for later events",
           "rules", approvers(), [&parts](Request& request) {
             std::function<Result<Outcome>()> work = [&parts, &request] {
               return publish(parts, request);
             };
             return answer_outcome(parts, request, std::move(work));
           });
  publishes.parameters.push_back(rule_parameter());
  publishes.answer_schema = "Published";
  publishes.fields = {"ETag"};
  publishes.parameters.push_back(header("If-Match", "the ETag of the text to publish"));
  publishes.problems = {"not_found", "stale", "rule_invalid", "refused", "conflict"};
  add_repeats(parts, publishes);
  out.push_back(std::move(publishes));

  struct Switch {
    const char* name;
    const char* summary;
    TypeId to;
    http::RoleSet roles;
  };
  for (const auto& one_switch : {Switch{"pause", "Triggers are refused until it is resumed",
                                        TypeId::kRulePaused, operators()},
                                 Switch{"resume", "Go on", TypeId::kRuleResumed, operators()},
                                 Switch{"retire", "End it for ever; its enrolments exit",
                                        TypeId::kRuleRetired, approvers()}}) {
    auto route = post(std::string{"/v1/rules/{rule}/"} + one_switch.name,
                      std::string{one_switch.name} + "_rule", one_switch.summary, "rules",
                      one_switch.roles, [&parts, to = one_switch.to](Request& request) {
                        std::function<Result<Value>()> work = [&parts, &request, to] {
                          return change(parts, request, to);
                        };
                        return answer_value(parts, request, std::move(work));
                      });
    route.parameters.push_back(rule_parameter());
    route.answer_schema = "RuleChange";
    route.problems = {"not_found", "refused", "conflict", "overload"};
    add_repeats(parts, route);
    out.push_back(std::move(route));
  }
}

}  // namespace

void add_rule_routes(Parts& parts, Routes& out) {
  auto all =
      get("/v1/rules", "list_rules", "Rules and drafts", "rules", [&parts](Request& request) {
        std::function<Result<Page>()> work = [&parts] { return list(parts); };
        return answer_page(parts, request, std::move(work));
      });
  all.gives = {"application/json", "text/csv", "application/x-ndjson"};
  all.fields = {"Dealwright-Columns"};
  all.answer_schema = "RuleRows";
  auto old = get("/v1/rules/{rule}/versions", "list_rule_versions",
                 "Every version that is or was in force", "rules", [&parts](Request& request) {
                   std::function<Result<Page>()> work = [&parts, &request] {
                     return versions(parts, request.param("rule"));
                   };
                   return answer_page(parts, request, std::move(work));
                 });
  old.parameters.push_back(rule_parameter());
  old.gives = all.gives;
  old.fields = all.fields;
  old.answer_schema = "VersionRows";
  old.problems = {"not_found"};
  out.push_back(std::move(all));
  out.push_back(std::move(old));
  add_texts(parts, out);
  add_acts(parts, out);
}

}  // namespace dealwright::daemon::api
