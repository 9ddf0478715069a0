// The condition language: any text parses or is refused; what parses checks and evaluates within
// its budget.
#include "rules/cel/check.h"
#include "rules/cel/eval.h"
#include "tests/fuzz/fuzz.h"

namespace dealwright::rules::cel {
namespace {

class AnyScope : public Scope {
 public:
  std::variant<Binding, Problem> path(const std::vector<std::string>&) override {
    return Binding{0, 1, {}, true};
  }
};
class AnyResolver : public Resolver {
 public:
  Value get(int) override { return Value{std::int64_t{7}}; }
};

}  // namespace
}  // namespace dealwright::rules::cel

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright::rules::cel;
  auto parsed = parse(dealwright::fuzz::text_of(data, size));
  if (parsed.root == nullptr) return 0;
  AnyScope scope;
  if (check(*parsed.root, scope).failed()) return 0;
  AnyResolver resolver;
  Evaluation evaluation{resolver};
  static_cast<void>(evaluate(*parsed.root, evaluation));
  return 0;
}
