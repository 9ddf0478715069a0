// What a template asks for: whether it is known, and whether it may be absent where it is printed.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/overloaded.h"
#include "rules/liquid/ast.h"
#include "rules/liquid/filters.h"
#include "rules/mail/mail.h"

namespace dealwright::rules::mail {
namespace {

using liquid::Body;
using liquid::Chain;
using liquid::Lookup;
using liquid::Operand;

enum class There : std::uint8_t { kAlways, kMaybe, kUnknown };  // unknown: only a run can tell

class Checker {
 public:
  Checker(Part& part, const CheckScope& scope, Diagnostics& out)
      : part_{part}, scope_{scope}, out_{out} {
    part_.sources.resize(part_.text.paths.size());
  }
  void body(const Body& body) {
    for (const auto& node : body.nodes) one(node);
  }

 private:
  Place place(std::size_t offset) const {
    Place out;
    for (std::size_t i = 0; i < std::min(part_.begin + offset, scope_.source.size()); ++i) {
      const auto c = static_cast<unsigned char>(scope_.source[i]);
      out.column = c == '\n' ? 1 : out.column + ((c & 0xc0) != 0x80 ? 1 : 0);
      out.line += c == '\n' ? 1 : 0;
    }
    return out;
  }

  void one(const liquid::Node& node) {
    std::visit(overloaded{
                   [](const liquid::Text&) {},
                   [&](const liquid::Output& n) { output(n); },
                   [&](const liquid::Assign& n) { names_[n.name] = chain(n.chain); },
                   [&](const liquid::Capture& n) {
                     body(n.body);
                     names_[n.name] = There::kAlways;
                   },
                   [&](const liquid::If& n) { branches(n); },
                   [&](const liquid::Case& n) {
                     operand(n.subject);
                     for (const auto& when : n.whens) {
                       for (const auto& value : when.values) operand(value);
                       body(when.body);
                     }
                   },
                   [&](const liquid::For& n) { loop(n); },
                   [](const liquid::Jump&) {},
                   [](const liquid::Render&) {},
               },
               node.what);
  }

  void output(const liquid::Output& node) {
    const bool raw =
        std::any_of(node.chain.filters.begin(), node.chain.filters.end(),
                    [](const liquid::FilterCall& call) { return call.filter->name == "raw"; });
    if (raw && part_.text.escape == liquid::Escape::kHtml) {
      out_.warning(5005, place(node.chain.operand.offset), "this is printed as HTML, not escaped",
                   "Make sure that it never comes from people outside");
    }
    if (chain(node.chain) == There::kMaybe) absent(node.chain.operand);
  }

  void absent(const Operand& operand) {
    const auto* lookup = operand.lookup();
    if (lookup == nullptr) return;
    out_.error(5004, place(operand.offset), fmt::format("'{}' may be absent", lookup->text),
               fmt::format("Write {} | default: \"...\", or print it inside {{% if {} %}}",
                           lookup->text, lookup->text));
  }

  There chain(const Chain& chain) {
    auto there = operand(chain.operand);
    for (const auto& call : chain.filters) {
      const bool otherwise = call.filter->name == "default";
      if (!otherwise && there == There::kMaybe) {
        absent(chain.operand);
        there = There::kUnknown;  // said once
      }
      auto argument = There::kAlways;
      for (const auto& value : call.arguments) {
        argument = operand(value);
        if (!otherwise && argument == There::kMaybe) absent(value);
      }
      if (otherwise) {
        if (there != There::kAlways) there = argument;
      } else if (there == There::kAlways && gives_elements(call.filter->name)) {
        there = There::kUnknown;
      }
    }
    return there;
  }

  static bool gives_elements(std::string_view filter) {
    return filter == "first" || filter == "last" || filter == "find" || filter == "find_index";
  }

  There operand(const Operand& operand) {
    if (const auto* lookup = operand.lookup()) return look_up(*lookup, operand.offset);
    if (const auto* range = std::get_if<liquid::RangeOf>(&operand.what)) {
      for (const auto& end : {range->from, range->to}) {
        if (this->operand(*end) == There::kMaybe) absent(*end);
      }
    }
    const auto* literal = std::get_if<liquid::Datum>(&operand.what);
    return literal != nullptr && literal->absent() ? There::kMaybe : There::kAlways;
  }

  There look_up(const Lookup& lookup, std::size_t offset) {
    for (const auto& segment : lookup.segments) {
      if (segment.computed) static_cast<void>(operand(*segment.computed));
    }
    if (lookup.computed_root) {
      out_.error(5003, place(offset), "a name that is computed is unknown here",
                 "Write the path itself");
      return There::kUnknown;
    }
    const auto& path = part_.text.paths[lookup.path];
    const auto name = names_.find(path.words[0]);
    if (name != names_.end())
      return lookup.segments.empty()
                 ? (known_.contains(lookup.text) ? There::kAlways : name->second)
                 : There::kUnknown;
    auto& source = part_.sources[lookup.path];
    const auto there = resolve_source(path, offset, source);
    if (known_.contains(lookup.text)) return There::kAlways;
    return lookup.names < lookup.segments.size() ? There::kUnknown : there;
  }

  There resolve_source(const liquid::Path& path, std::size_t offset, Source& source) {
    using What = Source::What;
    const auto& root = path.words[0];
    if (path.text == "unsubscribe_url" || (path.text == "content" && scope_.layout)) {
      source.what = root == "content" ? What::kContent : What::kUnsubscribe;
      return There::kAlways;
    }
    if (root == "recipient") {
      static const std::map<std::string_view, What> kOwn{{"recipient.name", What::kName},
                                                         {"recipient.address", What::kAddress},
                                                         {"recipient.language", What::kLanguage}};
      const auto own = kOwn.find(path.text);
      if (own == kOwn.end()) {
        unknown(offset, path.text, "Of a recipient there are name, address and language");
        return There::kUnknown;
      }
      source.what = own->second;
      return There::kMaybe;
    }
    static constexpr std::string_view kNotHere[] = {"event", "before", "start", "enrolment"};
    if (std::find(std::begin(kNotHere), std::end(kNotHere), root) != std::end(kNotHere)) {
      unknown(
          offset, path.text,
          "A mail is written when it leaves: it sees records, recipient, workspace, now, today");
      return There::kUnknown;
    }
    auto words = path.words;
    auto problem = resolve(words, scope_.records, source.path);
    if (problem && words.size() > 1 &&
        (words.back() == "size" || words.back() == "first" || words.back() == "last")) {
      source.rest = {words.back()};
      words.pop_back();
      if (!resolve(words, scope_.records, source.path)) problem.reset();
    }
    if (problem) {
      out_.error(5003, place(offset), problem->message, problem->hint);
      return There::kUnknown;
    }
    source.what = What::kRecord;
    return source.path.optional ? There::kMaybe : There::kAlways;
  }

  void unknown(std::size_t offset, std::string_view text, std::string hint) {
    out_.error(5003, place(offset), fmt::format("'{}' is not at hand in a mail", text),
               std::move(hint));
  }

  // ---- what a condition makes sure of

  void tests(const liquid::Condition& condition) {
    for (const auto& test : condition) {
      static_cast<void>(operand(test.left));
      if (test.compare != liquid::Compare::kTruth) static_cast<void>(operand(test.right));
    }
  }
  // Paths that have a value wherever it holds: all of its tests do.
  std::set<std::string> sure_of(const liquid::Condition& condition) const {
    std::set<std::string> out;
    for (std::size_t i = 0; i < condition.size(); ++i) {
      const auto& test = condition[i];
      if (i + 1 < condition.size() && !test.and_next) return {};
      const auto* lookup = test.left.lookup();
      if (lookup == nullptr) continue;
      using C = liquid::Compare;
      const auto* literal = std::get_if<liquid::Datum>(&test.right.what);
      const bool special =
          literal != nullptr && (literal->absent() || literal->get<liquid::Special>() != nullptr);
      const bool not_nothing = test.compare == C::kNotEqual && literal != nullptr &&
                               (literal->absent() || equal(*literal, liquid::Special::kBlank));
      const bool has_value = test.compare == C::kTruth || not_nothing ||
                             (test.compare != C::kNotEqual && literal != nullptr && !special);
      if (has_value) out.insert(lookup->text);
    }
    return out;
  }

  void branches(const liquid::If& node) {
    for (std::size_t i = 0; i < node.branches.size(); ++i) {
      const auto& branch = node.branches[i];
      tests(branch.condition);
      const auto before = known_;
      if (!node.unless || i > 0) known_.merge(sure_of(branch.condition));
      body(branch.body);
      known_ = before;
    }
  }

  void loop(const liquid::For& node) {
    static_cast<void>(operand(node.over));
    for (const auto* bound : {&node.limit, &node.offset}) {
      if (*bound) static_cast<void>(operand(**bound));
    }
    const auto before = names_;
    names_[node.variable] = There::kUnknown;
    names_["forloop"] = There::kUnknown;
    body(node.body);
    // What it assigned stays, perhaps.
    auto after = std::move(names_);
    names_ = before;
    after.erase(node.variable);
    after.erase("forloop");
    for (auto& [name, there] : after) names_.try_emplace(name, There::kUnknown);
    body(node.otherwise);
  }

  Part& part_;
  const CheckScope& scope_;
  Diagnostics& out_;
  std::map<std::string, There, std::less<>> names_;  // assigned, or of loops around
  std::set<std::string> known_;                      // paths that have a value here
};

}  // namespace

void check_part(Part& part, const CheckScope& scope, Diagnostics& out) {
  Checker{part, scope, out}.body(*part.text.body);
}

}  // namespace dealwright::rules::mail
