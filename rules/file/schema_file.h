// A schema file: the fields of their own that ops declare per kind of record, and the purposes of
// consent.
//
//   custom:
//     deal:
//       tier: { type: enum, values: [small, large], required: true, dimension: true }
//       margin: decimal(2)
//   purposes: { newsletter: marketing, billing: service }
#pragma once

#include <string_view>
#include <vector>

#include "engine/domain/schema.h"
#include "rules/check/diagnostic.h"

namespace dealwright::rules {

struct SchemaFile {
  SchemaPtr schema;  // none: there are errors
  Fields data;       // of the schema.updated that puts it in force, without version and author
  std::vector<Diagnostic> diagnostics;
};
// `in_force`: what may not be taken back (9002); none: nothing. Pure.
SchemaFile read_schema_file(std::string_view source, const Schemas* in_force = nullptr);

}  // namespace dealwright::rules
