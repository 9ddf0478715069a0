// The cases of golden-liquid, the public test suite of Liquid's reference implementation.
#pragma once

#include <boost/json.hpp>
#include <map>
#include <optional>
#include <string>

namespace dealwright::rules::liquid {

// Read where the reference data lies (never copied); none: it is not there.
std::optional<boost::json::array> golden_cases();
// The text that our engine makes of a case, or "error: " and why.
std::string run(const boost::json::object& test);
// The tag that the language leaves out and the case needs, or "".
std::string left_out(const boost::json::object& test);
// A file of this folder, "name: reason" a line.
std::map<std::string, std::string> listed_in(const std::string& file);

}  // namespace dealwright::rules::liquid
