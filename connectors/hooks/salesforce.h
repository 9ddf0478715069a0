// What both ways of Salesforce have in common: a record of theirs, and what became of it.
#pragma once

#include <string>
#include <string_view>

#include "connectors/hooks/notice.h"
#include "engine/domain/vocabulary.h"

namespace dealwright::hooks {

// Opportunity: a deal; Case: a ticket; kForeign: we have none.
Kind salesforce_kind(std::string_view entity);
// Entries for records under @record, of @object, @action create, update, delete, undelete.
extern const std::string_view kSalesforceDefaults;

}  // namespace dealwright::hooks
