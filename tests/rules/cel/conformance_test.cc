// The public conformance tests of CEL, read where the reference data lies (never copied): every
// test of the core files. What does not pass stands in conformance_unsupported.txt with its reason,
// what needs protobuf is listed by name, and the counts of each file are held: they can only
// improve.
#include <date/tz.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "rules/cel/check.h"
#include "rules/cel/eval.h"
#include "tests/rules/cel/show.h"
#include "tests/rules/cel/textproto.h"

namespace dealwright::rules::cel {
namespace {

namespace fs = std::filesystem;

struct Counts {
  int passed = 0;
  int unsupported = 0;  // listed in conformance_unsupported.txt
  int protobuf = 0;     // the language has no protobuf messages
  int failed = 0;
};
struct File {
  const char* name;
  Counts expected;
};
constexpr File kFiles[] = {
    {"basic", {43, 0, 0}},     {"comparisons", {334, 0, 72}}, {"conversions", {109, 0, 0}},
    {"fields", {60, 0, 0}},    {"fp_math", {30, 0, 0}},       {"integer_math", {64, 0, 0}},
    {"lists", {39, 0, 0}},     {"logic", {30, 0, 0}},         {"macros", {44, 0, 0}},
    {"namespace", {12, 2, 0}}, {"parse", {193, 0, 26}},       {"plumbing", {5, 0, 0}},
    {"string", {51, 0, 0}},    {"timestamps", {78, 0, 0}}};

std::string slurp(const fs::path& path) {
  std::ifstream in{path};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

double real_of(const std::string& text) {
  if (text == "inf" || text == "Infinity" || text == "infinity") return HUGE_VAL;
  if (text == "-inf" || text == "-Infinity" || text == "-infinity") return -HUGE_VAL;
  if (text == "nan" || text == "NaN") return std::nan("");
  double out = 0;
  const auto* from = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, bad] = std::from_chars(from, text.data() + text.size(), out);
  EXPECT_TRUE(bad == std::errc{} && end == text.data() + text.size()) << "no number: " << text;
  return out;
}

// A timestamp or a duration; other messages are not read.
Value value_of_any(const ProtoField& any) {
  const auto number = [&](const char* name) -> std::int64_t {
    const auto text = any.text_of(name);
    return text.empty() ? 0 : std::stoll(text);
  };
  const auto seconds = number("seconds");
  const auto nanos = number("nanos");
  if (any.name.ends_with("google.protobuf.Duration]")) {
    return Value{Span{seconds * 1'000'000'000 + nanos}};
  }
  return Value{Timestamp{seconds, static_cast<std::int32_t>(nanos)}};
}

Value value_of(const ProtoField& message) {
  if (message.fields.empty()) return Value{Null{}};
  const auto& field = message.fields.front();
  if (field.name == "bool_value") return Value{field.text == "true"};
  if (field.name == "int64_value") return Value{static_cast<std::int64_t>(std::stoll(field.text))};
  if (field.name == "uint64_value") {
    return Value{static_cast<std::uint64_t>(std::stoull(field.text))};
  }
  if (field.name == "double_value") return Value{real_of(field.text)};
  if (field.name == "string_value") return Value{field.text};
  if (field.name == "bytes_value") return Value{Bytes{field.text}};
  if (field.name == "type_value") return Value{TypeName{field.text}};
  if (field.name == "object_value") return value_of_any(field.fields.front());
  if (field.name == "list_value") {
    List list;
    for (const auto* item : field.all("values")) list.push_back(value_of(*item));
    return Value::list(std::move(list));
  }
  if (field.name == "map_value") {
    Map map;
    for (const auto* entry : field.all("entries")) {
      map.emplace_back(value_of(*entry->find("key")), value_of(*entry->find("value")));
    }
    return Value::map(std::move(map));
  }
  return Value{Null{}};
}

// Alike in type and value; NaN is like NaN, maps have no order.
bool alike(const Value& a, const Value& b) {
  if (a.variant().index() != b.variant().index()) return false;
  if (const auto* x = a.get<double>()) {
    const auto y = *b.get<double>();
    return std::isnan(*x) ? std::isnan(y) : *x == y && std::signbit(*x) == std::signbit(y);
  }
  if (const auto* x = a.as_list()) {
    const auto* y = b.as_list();
    return std::equal(x->begin(), x->end(), y->begin(), y->end(), alike);
  }
  if (const auto* x = a.as_map()) {
    const auto* y = b.as_map();
    return x->size() == y->size() && std::all_of(x->begin(), x->end(), [&](const auto& entry) {
             return std::any_of(y->begin(), y->end(), [&](const auto& other) {
               return alike(entry.first, other.first) && alike(entry.second, other.second);
             });
           });
  }
  return equal(a, b);
}

Type type_of(const ProtoField& message) {
  const auto element = [&](const ProtoField& of, const char* name) {
    const auto* found = of.find(name);
    return found == nullptr ? Type{} : type_of(*found);
  };
  if (message.fields.empty()) return {};
  const auto& field = message.fields.front();
  if (field.name == "list_type") return Type::list(element(field, "elem_type"));
  if (field.name == "map_type") {
    return {TypeKind::kMap, {element(field, "key_type"), element(field, "value_type")}, {}, {}};
  }
  static const std::map<std::string, TypeKind> kKinds = {
      {"BOOL", TypeKind::kBool},           {"INT64", TypeKind::kInt},
      {"UINT64", TypeKind::kUint},         {"DOUBLE", TypeKind::kDouble},
      {"STRING", TypeKind::kString},       {"BYTES", TypeKind::kBytes},
      {"TIMESTAMP", TypeKind::kTimestamp}, {"DURATION", TypeKind::kDuration}};
  const auto kind = kKinds.find(field.text);
  return kind == kKinds.end() ? Type{} : Type{kind->second, {}, {}, {}};
}

// The variables of one test; names may hold points, and the container's prefixes are tried first.
class TestScope : public Scope, public Resolver {
 public:
  explicit TestScope(const ProtoField& test) : container_{test.text_of("container")} {
    for (const auto* env : test.all("type_env")) {
      if (const auto* ident = env->find("ident")) {
        declare(env->text_of("name"), type_of(*ident->find("type")));
      }
    }
    for (const auto* binding : test.all("bindings")) {
      const auto slot = declare(binding->text_of("key"), {});
      values_[slot] = value_of(*binding->find("value")->find("value"));
    }
  }
  std::variant<Binding, Problem> path(const std::vector<std::string>& words) override {
    for (auto used = words.size(); used > 0; --used) {
      std::string name;
      for (std::size_t i = 0; i < used; ++i) name += (i == 0 ? "" : ".") + words[i];
      for (auto prefix = container_;; prefix.resize(std::min(prefix.size(), prefix.rfind('.')))) {
        const auto found = slots_.find(prefix.empty() ? name : prefix + "." + name);
        if (found != slots_.end()) {
          const auto slot = static_cast<std::size_t>(found->second);
          return Binding{found->second, used, types_[slot], false};
        }
        if (prefix.empty()) break;
        if (prefix.find('.') == std::string::npos) prefix.clear(), prefix.push_back('.');
        if (prefix == ".") prefix.clear();
      }
    }
    return Problem{"DW2001", 0, 0, "unknown variable " + words[0], "", false};
  }
  Value get(int slot) override { return values_[static_cast<std::size_t>(slot)]; }
  std::optional<std::int32_t> zone_offset_s(std::string_view zone, Instant at) override {
    try {
      const date::sys_seconds time{std::chrono::seconds{to_timestamp(at).seconds}};
      const auto info = date::locate_zone(std::string{zone})->get_info(time);
      return static_cast<std::int32_t>(info.offset.count());
    } catch (const std::exception&) {  // the library's way to say that there is no such zone
      return std::nullopt;
    }
  }

 private:
  std::size_t declare(const std::string& name, Type type) {
    const auto [at, added] = slots_.emplace(name, static_cast<int>(values_.size()));
    if (added) {
      values_.push_back(Value::fault(Fault::kAbsent, name + " is not bound"));
      types_.push_back(std::move(type));
    }
    return static_cast<std::size_t>(at->second);
  }
  std::string container_;
  std::map<std::string, int> slots_;
  std::vector<Value> values_;
  std::vector<Type> types_;
};

// "" or what is wrong.
std::string run(const ProtoField& test) {
  auto parsed = parse(test.text_of("expr"));
  const bool error_wanted = test.find("eval_error") != nullptr;
  if (parsed.root == nullptr) {
    return error_wanted ? "" : "does not parse: " + parsed.problem->message;
  }
  TestScope scope{test};
  const auto checked = check(*parsed.root, scope);
  const bool unchecked = test.text_of("disable_check") == "true";
  if (checked.failed() && !unchecked) {
    if (error_wanted) return "";
    for (const auto& problem : checked.problems) {
      if (!problem.note) return "refused: " + problem.code + " " + problem.message;
    }
  }
  Evaluation evaluation{scope};
  const auto got = evaluate(*parsed.root, evaluation);
  if (error_wanted) return got.failed() ? "" : "gives " + show(got) + ", an error is wanted";
  const auto* wanted = test.find("value");
  const auto expected = wanted == nullptr ? Value{true} : value_of(*wanted);
  return alike(got, expected) ? "" : "gives " + show(got) + ", wanted " + show(expected);
}

// Names a message type; timestamps and durations are types of the language, save for `Timestamp{}`.
bool names_message(std::string_view text) {
  for (const auto* word : {"TestAllTypes", "cel.expr.conf"}) {
    if (text.find(word) != std::string_view::npos) return true;
  }
  constexpr std::string_view kPackage = "google.protobuf.";
  for (auto at = text.find(kPackage); at != std::string_view::npos; at = text.find(kPackage, at)) {
    at += kPackage.size();
    const auto rest = text.substr(at);
    const auto* known = rest.starts_with("Timestamp")  ? "Timestamp{"
                        : rest.starts_with("Duration") ? "Duration{"
                                                       : nullptr;
    if (known == nullptr || rest.starts_with(known)) return true;
  }
  return false;
}
bool needs_protobuf(const ProtoField& field) {
  return names_message(field.name) || names_message(field.text) ||
         std::any_of(field.fields.begin(), field.fields.end(), needs_protobuf);
}

// "file/section/test" to the reason.
std::map<std::string, std::string> unsupported() {
  std::map<std::string, std::string> out;
  std::ifstream in{fs::path{DW_SOURCE_DIR} / "tests/rules/cel/conformance_unsupported.txt"};
  for (std::string line; std::getline(in, line);) {
    const auto blank = line.find(' ');
    if (line.empty() || line[0] == '#' || blank == std::string::npos) continue;
    out[line.substr(0, blank)] = line.substr(blank + 1);
  }
  return out;
}

std::string shown(const Counts& counts) {
  return "passed " + std::to_string(counts.passed) + ", failed " + std::to_string(counts.failed) +
         ", unsupported " + std::to_string(counts.unsupported) + ", needs protobuf " +
         std::to_string(counts.protobuf);
}

void run_file(const fs::path& path, std::map<std::string, std::string>& listed, Counts& counts) {
  std::string problem;
  const auto file = read_textproto(slurp(path), problem);
  ASSERT_EQ(problem, "") << path;
  for (const auto& section : file) {
    if (section.name != "section") continue;
    for (const auto* test : section.all("test")) {
      const auto name =
          path.stem().string() + "/" + section.text_of("name") + "/" + test->text_of("name");
      if (needs_protobuf(*test)) {
        ++counts.protobuf;
        std::cout << "needs protobuf: " << name << "\n";
        continue;
      }
      const auto wrong = run(*test);
      const auto entry = listed.find(name);
      if (entry == listed.end()) {
        EXPECT_EQ(wrong, "") << name << ": " << test->text_of("expr");
        ++(wrong.empty() ? counts.passed : counts.failed);
      } else {
        EXPECT_NE(wrong, "") << name << " passes: take it off conformance_unsupported.txt";
        ++(wrong.empty() ? counts.failed : counts.unsupported);
        std::cout << "unsupported " << name << ": " << entry->second << "\n";
        listed.erase(entry);
      }
    }
  }
}

TEST(CelConformanceTest, CoreFiles) {
  const auto folder = fs::path{DW_SOURCE_DIR} / "../shared/conformance/cel-spec/testdata";
  if (!fs::exists(folder)) GTEST_SKIP() << "no reference data at " << folder;
  auto listed = unsupported();
  Counts total;
  for (const auto& file : kFiles) {
    Counts counts;
    run_file(folder / (std::string{file.name} + ".textproto"), listed, counts);
    std::cout << file.name << ": " << shown(counts) << "\n";
    EXPECT_EQ(shown(counts), shown(file.expected)) << file.name;
    total.passed += counts.passed, total.failed += counts.failed;
    total.unsupported += counts.unsupported, total.protobuf += counts.protobuf;
  }
  std::cout << "total: " << shown(total) << "\n";
  for (const auto& [name, reason] : listed) ADD_FAILURE() << name << " is listed, but no such test";
}

}  // namespace
}  // namespace dealwright::rules::cel
