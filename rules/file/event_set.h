// Types of events as rules name them: `offer.sent`, `offer.*`, a list, foreign `com.example.x`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/event.h"
#include "rules/yaml/tree.h"

namespace dealwright::rules {

class EventSet {
 public:
  // Reports unknown types (2002) and leaves them out.
  static EventSet read(const yaml::Node& node, Diagnostics& out);
  void add(TypeId type);  // keeps it sorted
  void add_foreign(const std::string& name);

  bool empty() const { return types_.empty() && foreign_.empty(); }
  bool contains(const Event& event) const;
  bool contains(TypeId type) const;
  const std::vector<TypeId>& types() const { return types_; }  // sorted
  const std::vector<std::string>& foreign() const {
    return foreign_;
  }  // names, or prefixes ending in '*'
  // Kinds that events of these types may be about, a bit each; all for foreign ones.
  std::uint32_t subjects() const;

 private:
  void read_one(const yaml::Node& node, Diagnostics& out);
  std::vector<TypeId> types_;
  std::vector<std::string> foreign_;
};

}  // namespace dealwright::rules
