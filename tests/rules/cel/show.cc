#include "tests/rules/cel/show.h"

#include "engine/base/overloaded.h"
#include "rules/cel/eval.h"

namespace dealwright::rules::cel {
namespace {

std::string as_string(const Value& value) { return *call_function("string", {value}).as_text(); }

std::string show_list(const List& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + show(item);
  return "[" + out + "]";
}

std::string show_map(const Map& map) {
  std::string out;
  for (const auto& [key, value] : map) {
    out += (out.empty() ? "" : ", ") + show(key) + ": " + show(value);
  }
  return "{" + out + "}";
}

}  // namespace

std::string show(const Value& value) {
  return std::visit(
      overloaded{
          [](const Error& v) { return "error " + std::string{fault_name(v.fault)}; },
          [](Null) { return std::string{"null"}; },
          [](std::uint64_t v) { return std::to_string(v) + "u"; },
          [&](double) {
            const auto text = as_string(value);
            return text.find_first_of(".eN") == std::string::npos ? text + ".0" : text;
          },
          [](const std::string& v) { return "\"" + v + "\""; },
          [](const Bytes& v) { return "b\"" + v.bytes + "\""; },
          [&](const Money&) { return "money(" + as_string(value) + ")"; },
          [&](LocalDate) { return "date(" + as_string(value) + ")"; },
          [&](const Timestamp&) { return "timestamp(" + as_string(value) + ")"; },
          [&](const Span&) { return "duration(" + as_string(value) + ")"; },
          [](const TypeName& v) { return "type(" + v.name + ")"; },
          [](const Optional& v) {
            return v.value == nullptr ? std::string{"none"} : "some(" + show(*v.value) + ")";
          },
          [](const std::shared_ptr<const List>& v) { return show_list(*v); },
          [](const std::shared_ptr<const Map>& v) { return show_map(*v); },
          [&](const auto&) { return as_string(value); },
      },
      value.variant());
}

}  // namespace dealwright::rules::cel
