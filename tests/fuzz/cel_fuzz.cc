// The condition language: any text parses or is refused; what parses checks and evaluates within
// its budget, to the same value each time. Variables are dynamic, a to p of a type each, so that
// every operation meets every type.
#include <cstdlib>
#include <limits>

#include "rules/cel/check.h"
#include "rules/cel/eval.h"
#include "tests/fuzz/fuzz.h"

namespace dealwright::rules::cel {
namespace {

class AnyScope : public Scope {
 public:
  std::variant<Binding, Problem> path(const std::vector<std::string>& words) override {
    return Binding{words[0][0] & 15, 1, {}, true};
  }
};
class AnyResolver : public Resolver {
 public:
  Value get(int slot) override {
    static const std::vector<Value> kValues = {
        Value::fault(Fault::kAbsent, "no value"),
        Value{std::numeric_limits<std::int64_t>::min()},
        Value{std::int64_t{-7}},
        Value{std::numeric_limits<std::uint64_t>::max()},
        Value{std::numeric_limits<double>::quiet_NaN()},
        Value{-9223372036854775808.0},
        Value{std::string{"Gr\xc3\xbc\xc3\x9f"}},
        Value{Bytes{std::string{"\x00\xff", 2}}},
        Value{Money{std::numeric_limits<std::int64_t>::max(), Currency::unchecked('E', 'U', 'R')}},
        Value{LocalDate{2'932'896}},
        Value{Timestamp{253'402'300'799, 999'999'999}},
        Value{Span{std::numeric_limits<std::int64_t>::min()}},
        Value{Optional{std::make_shared<const Value>(std::int64_t{1})}},
        Value::list({Value{1.5}, Value{std::string{"x"}}, Value{Null{}}}),
        Value::map({{Value{std::string{"k"}}, Value{std::int64_t{1}}}, {Value{true}, Value{2.0}}}),
        Value{Null{}}};
    return kValues[static_cast<std::size_t>(slot)];
  }
};

std::string shown(const Value& value) { return type_name(value) + " " + to_json(to_base(value)); }

}  // namespace
}  // namespace dealwright::rules::cel

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright::rules::cel;
  auto parsed = parse(dealwright::fuzz::text_of(data, size));
  if (parsed.root == nullptr) return 0;
  AnyScope scope;
  if (check(*parsed.root, scope).failed()) return 0;
  AnyResolver resolver;
  std::string values[2];
  for (auto& value : values) {
    Evaluation evaluation{resolver};
    value = shown(evaluate(*parsed.root, evaluation));
    if (evaluation.cost > 100 * kCostMax) std::abort();
  }
  if (values[0] != values[1]) std::abort();
  return 0;
}
