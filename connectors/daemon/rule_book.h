// Rules as people put them in force: what is wrong with a text, what is published, one more version
// of it. What the command line and the API do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/tables.h"
#include "connectors/daemon/workspace.h"
#include "rules/compile.h"
#include "rules/testing/run_tests.h"

namespace dealwright::daemon {

// Who acts, and under which id: the same id again is the same act.
struct Act {
  std::string actor;
  std::string id;
};

// The versions of the schema that are or were in force.
Result<Schemas> schemas_in_force(Workspace& workspace);
// One of them: schema (its id), revision, revisions (how many there are), text. `revision`: from 1;
// 0: the newest. kNotFound: there is none, or not so many.
Result<Map> describe_schema(Workspace& workspace, std::size_t revision);
// A rule's text against the schema in force.
Result<rules::CompiledRule> check_rule(Workspace& workspace, std::string_view text);
std::vector<rules::TestResult> test_rule(const rules::CompiledRule& compiled);
bool has_errors(const rules::CompiledRule& compiled);
// The text behind `name:`, for lists.
std::string rule_name(std::string_view text);

// The newest version of a rule that is or was in force. kNotFound, with what is near.
Result<PublishedRule> newest_rule(const std::vector<PublishedRule>& known, const std::string& rule);

struct Published {
  std::uint32_t version = 0;
  bool unchanged = false;  // that text is in force already
};
// Puts a sound rule whose tests pass in force for later events, and waits until it is. kConflict:
// somebody else published it meanwhile. REQUIRES: compiled.plan, of that text
Result<Published> publish_rule(Workspace& workspace, const rules::CompiledRule& compiled,
                               const std::string& text, const Act& act);
// `to`: kRulePaused, kRuleResumed or kRuleRetired. Whether that changed anything. kNotFound,
// kRefused: it is retired.
Result<bool> switch_rule(Workspace& workspace, const std::string& rule, TypeId to, const Act& act);
std::string_view status_after(TypeId to);

}  // namespace dealwright::daemon
