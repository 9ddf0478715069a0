// What somebody may have meant by a command line that was not understood.
#include <CLI/CLI.hpp>

#include "connectors/cli/context.h"
#include "rules/check/diagnostic.h"

namespace dealwright::cli {
namespace {

const CLI::Option* option_of(const std::vector<const CLI::App*>& chain, const std::string& name) {
  for (const auto* app : chain) {
    if (const auto* option = app->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

std::string nearest(const std::string& word, const std::vector<std::string>& names) {
  return rules::did_you_mean(word, {names.begin(), names.end()});
}

std::string nearest_flag(const std::vector<const CLI::App*>& chain, const std::string& flag) {
  std::vector<std::string> names;
  for (const auto* app : chain) {
    for (const auto* option : app->get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return nearest(flag, names);
}

}  // namespace

std::string usage_hint(const CLI::App& app, int argc, char** argv) {
  std::vector<const CLI::App*> chain{&app};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.size() > 1 && word[0] == '-') {
      const auto name = word.substr(0, word.find('='));
      const auto* option = option_of(chain, name);
      if (option == nullptr) return name.starts_with("--") ? nearest_flag(chain, name) : "";
      if (name == word && option->get_items_expected_max() > 0) ++i;  // its value
      continue;
    }
    const auto below = chain.back()->get_subcommands([](const CLI::App*) { return true; });
    if (below.empty()) continue;  // an argument of the verb
    std::vector<std::string> names;
    const CLI::App* next = nullptr;
    for (const auto* child : below) {
      names.push_back(child->get_name());
      if (child->get_name() == word) next = child;
    }
    if (next == nullptr) return nearest(word, names);
    chain.push_back(next);
  }
  return {};
}

}  // namespace dealwright::cli
