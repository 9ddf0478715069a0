#include "engine/domain/united.h"

#include <algorithm>
#include <map>

#include "engine/base/assert.h"
#include "engine/domain/life.h"
#include "engine/domain/registers.h"

namespace dealwright {
namespace {

constexpr std::uint64_t kAfterAll = std::uint64_t{1} << 48;  // behind every order of a partition

// Whether `other` stands against `mine`, of a record that stands before its own. See Register.
template <class R>
bool beats(const R& other, const R& mine) {
  if (other.fills != mine.fills) return mine.fills;
  return mine.fills ? other.stamp.occurred < mine.stamp.occurred
                    : mine.stamp.occurred < other.stamp.occurred;
}

Value both_lists(const Value& mine, const Value& other) {
  auto all = *mine.as_list();
  for (const auto& entry : *other.as_list()) {
    if (std::find(all.begin(), all.end(), entry) == all.end()) all.push_back(entry);
  }
  return Value{std::move(all)};
}

void take_registers(Record& out, const Record& part) {
  for (const auto& r : part.fields) {
    const auto at = std::lower_bound(out.fields.begin(), out.fields.end(), r.field,
                                     [](const Register& x, Field f) { return x.field < f; });
    if (at == out.fields.end() || at->field != r.field) {
      out.fields.insert(at, r);
    } else if (at->value.as_list() != nullptr && r.value.as_list() != nullptr) {
      at->value = both_lists(at->value, r.value);
      if (at->stamp.occurred < r.stamp.occurred) at->stamp = r.stamp;
    } else if (beats(r, *at)) {
      *at = r;
    }
  }
}

void take_named(std::vector<NamedRegister>& all, const std::vector<NamedRegister>& part) {
  for (const auto& r : part) {
    const auto at = std::lower_bound(all.begin(), all.end(), r.name,
                                     [](const auto& x, const auto& name) { return x.name < name; });
    if (at == all.end() || at->name != r.name) {
      all.insert(at, r);
    } else if (beats(r, *at)) {
      *at = r;
    }
  }
}

void take_rest(Record& out, const Record& part) {
  out.consents.insert(out.consents.end(), part.consents.begin(), part.consents.end());
  for (const auto& [type, count] : part.counts) {
    const auto at = std::lower_bound(out.counts.begin(), out.counts.end(), type,
                                     [](const auto& entry, TypeId t) { return entry.first < t; });
    if (at != out.counts.end() && at->first == type) {
      at->second += count;
    } else {
      out.counts.insert(at, {type, count});
    }
  }
  if (out.newest.occurred < part.newest.occurred) {
    out.newest = part.newest;
    if (!part.merged_into.empty()) out.merged_into = part.merged_into;
  }
  if (out.merged_into.empty()) out.merged_into = part.merged_into;
  out.last_activity = std::max(out.last_activity, part.last_activity);
  out.erased = out.erased || part.erased;
  out.key_conflict = out.key_conflict || part.key_conflict;
}

// The facts of all, by when they happened.
std::vector<LifeFact> life_facts(std::span<const Record* const> parts) {
  std::vector<LifeFact> out;
  for (const auto* part : parts) {
    const auto facts = part->facts.entries();
    out.insert(out.end(), facts.begin(), facts.end());
  }
  std::stable_sort(out.begin(), out.end(), [](const LifeFact& a, const LifeFact& b) {
    return a.stamp.occurred < b.stamp.occurred;
  });
  auto order = kAfterAll;
  for (auto& fact : out) fact.stamp.order = ++order;
  return out;
}

}  // namespace

Record unite(std::span<const Record* const> parts, const Pipelines& pipelines) {
  DW_ASSERT(!parts.empty());
  Record out = *parts.front();
  out.history.clear();
  out.watchers.clear();
  out.chunks = 0;
  if (parts.size() == 1) return out;
  const auto* longest = parts.front();  // what of it melted is the base of all
  for (const auto* part : parts.subspan(1)) {
    DW_ASSERT(part->key == out.key);
    take_registers(out, *part);
    take_named(out.custom, part->custom);
    take_named(out.extra, part->extra);
    take_rest(out, *part);
    if (longest->melted.occurred < part->melted.occurred) longest = part;
  }
  std::stable_sort(out.consents.begin(), out.consents.end(), [](const auto& a, const auto& b) {
    return a.stamp.occurred < b.stamp.occurred;
  });
  out.base = longest->base;
  out.melted = longest->melted;
  set_life(out, life_facts(parts), pipelines);
  return out;
}

}  // namespace dealwright
