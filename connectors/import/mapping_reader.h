// The parser of mapping files, in pieces: it gathers what is wrong and goes on.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/import/mapping.h"
#include "engine/codec/yaml_tree.h"

namespace dealwright::import {

using codec::Diagnostic;
using codec::YamlNode;

class MappingReader {
 public:
  explicit MappingReader(Mapping& mapping) : mapping_{mapping} {}
  void read(const YamlNode& root);
  const std::vector<Diagnostic>& found() const { return found_; }

 private:
  // mapping_parse.cc: the file's own keys
  void read_settings(const YamlNode& root);
  void read_policy(const YamlNode& node);
  void read_csv(const YamlNode& node);
  void read_aliases(const YamlNode& node);
  void read_records(const YamlNode& node);
  void read_defaults(const YamlNode& node);
  void read_before(const YamlNode& node);
  void read_before_event(const YamlNode& node);

  // mapping_emit.cc: one entry of `emit`
  void read_emit(const YamlNode& node);
  void read_type(const YamlNode& node, Emit& emit);
  void read_when(const YamlNode& node, Emit& emit);
  void read_condition(const YamlNode& column, const YamlNode& test, Emit& emit);
  void read_subject(const YamlNode& node, Emit& emit);
  void read_data(const YamlNode& node, Emit& emit);
  void check_required(const YamlNode& at, Emit& emit);
  void read_make(const YamlNode& node, Emit& emit);
  void read_take(const YamlNode& node, Emit& emit);
  std::uint32_t read_list_name(const YamlNode& node);
  std::uint8_t state_of(const YamlNode& node);
  std::vector<std::uint8_t> states_of(const YamlNode& node);

  // mapping_value.cc: values and texts
  Template read_template(const YamlNode& node);
  void read_notation(const YamlNode& node, Notation& notation);
  void read_notation_key(std::string_view key, const YamlNode& node, Notation& notation);
  Conversion read_conversion(const YamlNode& node, FieldType as);
  ValueSpec read_value_spec(const YamlNode& node, const FieldSpec* field);
  ValueSpec read_free_spec(const YamlNode& node);
  ValueSpec read_typed_spec(const YamlNode& node, const FieldSpec& field);
  Value free_value(const YamlNode& node);

  // What every piece needs.
  void error(const YamlNode& at, std::string code, std::string text, std::string hint = {});
  bool want_map(const YamlNode& node, std::string_view what);
  void only_keys(const YamlNode& map, std::initializer_list<std::string_view> allowed);
  const YamlNode* need(const YamlNode& map, std::string_view key);
  std::string word(const YamlNode& node, std::initializer_list<std::string_view> allowed);
  std::vector<std::string> texts(const YamlNode& node);

  Mapping& mapping_;
  std::vector<Diagnostic> found_;
  Notation notation_;
  Conversion default_time_;
  Template default_actor_;
  Template default_key_;
};
inline constexpr std::size_t kEmitsMax = 1'000;
inline constexpr std::size_t kDiagnosticsMax = 20;

}  // namespace dealwright::import
