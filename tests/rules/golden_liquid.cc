#include "tests/rules/golden_liquid.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "rules/liquid/template.h"

namespace dealwright::rules::liquid {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string slurp(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

Datum datum_of(const json::value& v) {
  switch (v.kind()) {
    case json::kind::null:
      return Value{Null{}};
    case json::kind::bool_:
      return Value{v.get_bool()};
    case json::kind::int64:
      return Value{v.get_int64()};
    case json::kind::uint64:
      return Value{static_cast<std::int64_t>(v.get_uint64())};
    case json::kind::double_:
      return Value{v.get_double()};
    case json::kind::string:
      return Value{std::string{v.get_string()}};
    case json::kind::array: {
      Items out;
      for (const auto& item : v.get_array()) out.push_back(datum_of(item));
      return out;
    }
    case json::kind::object: {
      Members out;
      for (const auto& [key, item] : v.get_object()) out.emplace_back(key, datum_of(item));
      return out;
    }
  }
  return {};
}

class Data : public Environment {
 public:
  Data(const json::object& data, std::map<std::string, Template> parts)
      : data_{datum_of(json::value(data))}, parts_{std::move(parts)} {}
  Datum value(const Path& path, std::size_t) override {
    auto out = named(path.words[0]);
    for (std::size_t i = 1; i < path.words.size(); ++i) out = member(out, path.words[i]);
    return out;
  }
  Datum named(std::string_view name) override {
    const auto& members = **data_.get<std::shared_ptr<const Members>>();
    for (const auto& [key, value] : members) {
      if (key == name) return value;
    }
    return {};
  }
  const Template* part(std::string_view name) override {
    const auto it = parts_.find(std::string{name});
    return it == parts_.end() ? nullptr : &it->second;
  }

 private:
  Datum data_;
  std::map<std::string, Template> parts_;
};

}  // namespace

std::optional<json::array> golden_cases() {
  const auto path = fs::path{DW_SOURCE_DIR} / "../shared/conformance/liquid/golden_liquid.json";
  if (!fs::exists(path)) return std::nullopt;
  return json::parse(slurp(path)).at("tests").as_array();
}

std::string run(const json::object& test) {
  ParseOptions options{Form::kFull, Escape::kPlain, false, true};
  for (const auto& tag : test.contains("tags") ? test.at("tags").as_array() : json::array{}) {
    if (tag.as_string() == "strict2") options.strict = true;
  }
  Template text;
  if (const auto wrong = parse(test.at("template").as_string(), text, options))
    return "error: " + wrong->message;
  std::map<std::string, Template> parts;
  if (const auto* templates = test.if_contains("templates")) {
    for (const auto& [name, part] : templates->as_object()) {
      if (const auto wrong = parse(part.as_string(), parts[std::string{name}], options))
        return "error: " + wrong->message;
    }
  }
  const auto* data = test.if_contains("data");
  Data environment{data == nullptr ? json::object{} : data->as_object(), std::move(parts)};
  std::string out;
  const auto wrong = render(text, environment, {}, Missing::kEmpty, out);
  return wrong ? "error: " + wrong->message : out;
}

std::string left_out(const json::object& test) {
  static const std::regex kTag{
      R"(\{%-?\s*(include|tablerow|increment|decrement|cycle|ifchanged)\b)"};
  std::string text{test.at("template").as_string()};
  if (const auto* templates = test.if_contains("templates")) {
    for (const auto& [name, part] : templates->as_object()) text += std::string{part.as_string()};
  }
  std::smatch found;
  return std::regex_search(text, found, kTag) ? found[1].str() : "";
}

std::map<std::string, std::string> listed_in(const std::string& file) {
  std::map<std::string, std::string> out;
  std::ifstream in{fs::path{DW_SOURCE_DIR} / "tests/rules" / file};
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(": ");
    if (line.empty() || line[0] == '#' || colon == std::string::npos) continue;
    out[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return out;
}

}  // namespace dealwright::rules::liquid
