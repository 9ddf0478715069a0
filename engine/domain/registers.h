// Setting a record's values by the stamps of the facts that say them. Inside engine/domain.
#pragma once

#include <string_view>
#include <vector>

#include "engine/domain/evolve.h"
#include "engine/domain/record.h"

namespace dealwright {

// Sets the value unless a newer fact has said one; what it was goes to out.changed. `fills`: it
// only fills a gap, see Register.
void set_register(Record& record, Field field, const Value& value, Stamp stamp, Folded& out,
                  bool fills = false);
void set_named(std::vector<NamedRegister>& all, std::string_view name, const Value& value,
               Stamp stamp, bool fills = false);

}  // namespace dealwright
