// Functions of rules beyond the condition language's own: people, consent, business time.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "rules/cel/check.h"
#include "rules/plan/expression.h"

namespace dealwright::rules {

// None: no such function, or not with these types.
std::optional<cel::Type> function_type(std::string_view name, bool member,
                                       const std::vector<cel::Type>& args);
cel::Value call_rule_function(std::string_view name, const std::vector<cel::Value>& args,
                              Reader& reader, CalendarSource& calendars);
// Names that a later version of the language brings.
std::span<const std::string_view> later_functions();

// The record that a `who` expression's value names: "team/t1", "contact/c1"; a bare id is a user's.
std::optional<RecordKey> who_of(std::string_view text);
// The manager of a user's team, or of one above if that is the user or there is none.
std::optional<RecordKey> manager_of(Turn& turn, const RecordKey& user);

}  // namespace dealwright::rules
