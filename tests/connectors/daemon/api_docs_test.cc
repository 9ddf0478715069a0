// docs/api.md is what the table of routes says, and nothing else.
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

constexpr const char* kMark =
    "<!-- routes: daemon_tests writes what follows from the server's own description -->\n";

std::string text_of(const Map& map, std::string_view name) {
  const auto* value = find(map, name);
  return value == nullptr ? std::string{} : std::string{value->text_or_empty()};
}

std::string words_of(const Map& map, std::string_view name) {
  const auto* list = find(map, name);
  std::string out;
  if (list == nullptr || list->as_list() == nullptr) return out;
  for (const auto& word : *list->as_list()) {
    if (word.as_text() != nullptr) out += (out.empty() ? "" : ", ") + *word.as_text();
  }
  return out;
}

std::string parameters_of(const Map& operation) {
  const auto* list = find(operation, "parameters");
  std::string out;
  if (list == nullptr) return out;
  for (const auto& one : *list->as_list()) {
    const auto& parameter = *one.as_map();
    if (text_of(parameter, "in") == "path") continue;
    const auto says = text_of(parameter, "description");
    out += "- `" + text_of(parameter, "name") + "`" + (says.empty() ? "" : ": " + says) + "\n";
  }
  return out;
}

// What it answers: the types of its success, and codes of problems that are its own.
std::string answers_of(const Map& operation) {
  std::string out;
  for (const auto& [status, response] : *find(operation, "responses")->as_map()) {
    if (status[0] != '2') continue;
    const auto* content = find(*response.as_map(), "content");
    out += "Answers " + status;
    std::string types;
    if (content != nullptr) {
      for (const auto& entry : *content->as_map())
        types += (types.empty() ? "" : ", ") + entry.first;
    }
    out += types.empty() ? ".\n" : ": " + types + ".\n";
  }
  return out;
}

std::string markdown(const Value& document) {
  std::map<std::string, std::string> by_resource;
  for (const auto& [path, methods] : *find(*document.as_map(), "paths")->as_map()) {
    for (const auto& [method, value] : *methods.as_map()) {
      const auto& operation = *value.as_map();
      auto resource = words_of(operation, "tags");
      if (resource.empty()) resource = "without a key";
      std::string verb;
      for (const auto c : method) verb += static_cast<char>(c - 32);
      const auto roles = words_of(operation, "x-roles");
      auto& out = by_resource[resource];
      out += "### " + verb + " " + path + "\n" + text_of(operation, "summary") + ".\n";
      if (!roles.empty()) out += "Roles: " + roles + ". ";
      out += answers_of(operation) + parameters_of(operation) + "\n";
    }
  }
  std::string out;
  for (const auto& [resource, text] : by_resource) out += "## " + resource + "\n" + text;
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

TEST(ApiDocsTest, AreAsTheTableSays) {
  ServiceBed bed;
  codec::JsonLimits limits;
  limits.values = 100'000;
  const auto document = codec::parse_json(bed.get("/openapi.json").body, limits);
  ASSERT_TRUE(document);
  const auto made = markdown(document.value());
  const std::string path = std::string{DW_SOURCE_DIR} + "/docs/api.md";
  std::ifstream file{path};
  std::stringstream text;
  text << file.rdbuf();
  const auto from = text.str().find(kMark);
  ASSERT_NE(from, std::string::npos) << "docs/api.md has lost its mark";
  const auto head = text.str().substr(0, from + std::string{kMark}.size());
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream{path} << head << made;
  EXPECT_EQ(text.str().substr(head.size()), made) << "UPDATE_GOLDEN=1 writes docs/api.md anew";
}

}  // namespace
}  // namespace dealwright::daemon
