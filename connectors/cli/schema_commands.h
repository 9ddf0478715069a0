// Schemas, and what is wrong with files of ops, as commands need them.
#pragma once

#include "connectors/cli/context.h"
#include "engine/domain/schema.h"
#include "rules/check/diagnostic.h"

namespace dealwright::cli {

// One line of what is wrong with a file of ops: rendered for people, an object with --json.
void print_diagnostic(const Context& context, const rules::Diagnostic& diagnostic,
                      const std::string& path, const std::string& text);

// Reads a schema file, or the one *.schema.yaml of a folder, and prints what is wrong with it; an
// empty path: nothing is declared. kRefused: there are errors.
Result<SchemaPtr> schema_in(const Context& context, const std::string& path);

}  // namespace dealwright::cli
