// The parser of hook files, in pieces: it gathers what is wrong and goes on.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/hooks/config.h"
#include "engine/codec/yaml_tree.h"

namespace dealwright::hooks {

using codec::Diagnostic;
using codec::YamlNode;

class HookReader {
 public:
  explicit HookReader(HookConfig& config) : config_{config} {}
  void read(const YamlNode& root);
  // The entries that a connector brings along.
  void read_defaults(const YamlNode& list);
  const std::vector<Diagnostic>& found() const { return found_; }

 private:
  // hook_parse.cc: the file's own keys
  void read_names(const YamlNode& root);
  void read_secrets(const YamlNode& node);
  void read_settings(const YamlNode& node);
  void read_tables(const YamlNode& node);
  void read_cut(const YamlNode& node);
  // hook_verify.cc
  void read_verify(const YamlNode& node);
  void read_versions(const YamlNode& node);
  void read_hmac(const YamlNode& node);
  void read_signed(const YamlNode& node);

  // hook_emit.cc: entries of `emit`
  void read_emits(const YamlNode& list, std::vector<Emit>& out);
  void read_emit(const YamlNode& node, std::vector<Emit>& out);
  void read_drop(const YamlNode& node, Emit& emit);
  void read_when(const YamlNode& node, Emit& emit);
  void read_condition(const YamlNode& place, const YamlNode& test, Emit& emit);
  Condition read_test(const Path& path, std::string_view name, const YamlNode& node);
  void read_type(const YamlNode& node, Emit& emit);
  void read_data(const YamlNode& node, const EventSpec* spec, Emit& emit);
  void check_required(const YamlNode& at, const EventSpec& spec, const Emit& emit);
  ValueSpec read_value(const YamlNode& node);
  ValueSpec read_value_map(const YamlNode& node);
  void read_value_key(std::string_view key, const YamlNode& node, ValueSpec& out);
  Recode read_recode(const YamlNode& node);

  // What every piece needs.
  void error(const YamlNode& at, std::string code, std::string text, std::string hint = {});
  void error_text(const YamlNode& at, const std::string& wrong);  // "what; how to mend it"
  bool want_map(const YamlNode& node, std::string_view what);
  void only_keys(const YamlNode& map, std::initializer_list<std::string_view> allowed);
  const YamlNode* need(const YamlNode& map, std::string_view key);
  std::string word(const YamlNode& node, std::initializer_list<std::string_view> allowed);
  std::vector<std::string> texts(const YamlNode& node);
  std::string plain(const YamlNode& node, std::size_t bytes_max, std::string_view what);
  Text read_text(const YamlNode& node);
  std::vector<Text> read_texts(const YamlNode& node);
  Path read_path(const YamlNode& node);

  HookConfig& config_;
  std::vector<Diagnostic> found_;
};
inline constexpr std::size_t kEmitsMax = 1'000;
inline constexpr std::size_t kDiagnosticsMax = 20;

}  // namespace dealwright::hooks
