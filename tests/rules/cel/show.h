// Values as a test writes them: 3, 3u, 2.5, "text", b"text", money(3.00 EUR), [1, 2], error absent.
#pragma once

#include <string>

#include "rules/cel/value.h"

namespace dealwright::rules::cel {

std::string show(const Value& value);

}  // namespace dealwright::rules::cel
