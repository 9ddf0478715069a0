#include "connectors/daemon/template_book.h"

#include <algorithm>

#include "connectors/daemon/zones.h"
#include "engine/ports/decider.h"
#include "engine/runtime/keys.h"
#include "rules/check/diagnostic.h"
#include "rules/mail/renderer.h"

namespace dealwright::daemon {
namespace {

namespace mail = rules::mail;

std::string text_of(const Record& record, Field field) {
  const auto* value = record.find(field);
  return value == nullptr ? std::string{} : std::string{value->text_or_empty()};
}

PublishedTemplate published_of(const Record& record) {
  PublishedTemplate out;
  out.id = record.key.id;
  out.text = text_of(record, Field::kText);
  const auto* version = record.find(Field::kVersion);
  out.version = version == nullptr || version->as_int() == nullptr ? 1 : *version->as_int();
  out.retired = text_of(record, Field::kStatus) == "retired";
  return out;
}

// What a template reads, from a partition's state as it stands.
class Glance : public Turn {
 public:
  Glance(runtime::State& state, Instant now, PartitionId partition)
      : state_{state}, now_{now}, partition_{partition} {}
  Instant now() const override { return now_; }
  std::uint32_t partition() const override { return partition_; }
  const Record* record(const RecordKey& key) override {
    const Record* found = state_.find(key);
    for (int hops = 0; hops < 64 && found != nullptr && !found->merged_into.empty(); ++hops)
      found = state_.find({key.kind, found->merged_into});
    return found;
  }
  const Enrolment* enrolment(const EnrolmentId&) override { return nullptr; }
  std::optional<Entry> entry(std::string_view, std::string_view) override { return std::nullopt; }
  std::optional<EffectState> effect_state(const EffectId&) override { return std::nullopt; }
  std::vector<EnrolmentId> watching(const RecordKey&) override { return {}; }
  bool change(Change) override { return false; }

 private:
  runtime::State& state_;
  const Instant now_;
  const PartitionId partition_;
};

}  // namespace

Result<std::vector<PublishedTemplate>> published_templates(Workspace& workspace) {
  std::vector<PublishedTemplate> out;
  Result<void> scanned = ok();
  DW_TRY(workspace.engine().ask(workspace.first_served(), [&](runtime::Partition& partition) {
    auto& state = partition.state();
    state.write_back();  // what is dirty becomes readable
    std::string end = runtime::keys::record({Kind::kTemplate, ""});
    const auto begin = end;
    end.back() = static_cast<char>(end.back() + 1);
    std::vector<std::string> ids;
    scanned = state.scan(begin, end, [&](std::string_view key, std::string_view) {
      ids.emplace_back(key.substr(begin.size()));
      return true;
    });
    for (const auto& id : ids) {
      const auto* record = state.find({Kind::kTemplate, id});
      if (record != nullptr && record->find(Field::kText) != nullptr)
        out.push_back(published_of(*record));
    }
  }));
  DW_TRY(std::move(scanned));
  return out;
}

const PublishedTemplate* find_template(const std::vector<PublishedTemplate>& known,
                                       std::string_view id) {
  const auto it = std::find_if(known.begin(), known.end(),
                               [&](const PublishedTemplate& one) { return one.id == id; });
  return it == known.end() ? nullptr : &*it;
}

Error unknown_template(const std::vector<PublishedTemplate>& known, const std::string& id) {
  std::vector<std::string_view> names;
  for (const auto& one : known) names.push_back(one.id);
  const auto hint = rules::did_you_mean(id, names);
  return Error{Code::kNotFound, "no template '" + id + "' is published" +
                                    (hint.empty() ? "; dealwright template list" : ". " + hint)};
}

// The record's partition answers: the first that knows it.
Result<Map> preview_template(Workspace& workspace, const PreviewAsked& asked, Instant now) {
  mail::Renderer renderer{{}, named_zones(), [](std::uint32_t, const Effect&) {
                            return std::string{"https://example.com/unsubscribe/preview"};
                          }};
  Result<Map> out = Error{Code::kNotFound, "no record " + to_text(asked.about)};
  bool found = false;
  for (PartitionId id = 0; id < workspace.partitions() && !found; ++id) {
    if (!workspace.serves(id)) continue;
    DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& partition) {
      Glance glance{partition.state(), now, id};
      found = glance.record(asked.about) != nullptr;
      if (!found) return;
      const auto effect = mail::preview_effect(glance, asked.name, asked.about, asked.to,
                                               asked.language, asked.purpose);
      const auto* schema = partition.state().reference.schemas.current();
      out = renderer.render(effect, glance, schema);
      const auto* address = find(effect.payload, "address");
      if (out && address != nullptr) out.value().emplace_back("to", *address);
    }));
  }
  return out;
}

}  // namespace dealwright::daemon
