// Notices to people inside, each in the inbox of whom it is for: what rules' `notify` came to.
#include <algorithm>

#include "engine/base/bytes.h"
#include "projections/row_table.h"
#include "projections/rows.h"
#include "projections/views.h"

namespace dealwright::projections {
namespace {

const std::vector<std::string_view> kDimensions = {"to", "rule", "about"};
constexpr std::uint64_t kKept = 500;  // of one reader: beyond it the oldest go

// Cells: "r" effect: one that is requested and not delivered: to, rule, about, text;
// "n" to 0 number: one in the inbox; "c" to: how many there ever were.
std::string numbered(std::string_view to, std::uint64_t number) {
  std::string out{"n"};
  out += to;
  out += '\0';
  put_key64(out, number);
  return out;
}

std::string_view text_in(const Map& map, std::string_view key) {
  const auto* value = find(map, key);
  return value == nullptr ? std::string_view{} : value->text_or_empty();
}

class NoticesFold : public ViewFold {
 public:
  explicit NoticesFold(const ViewReader& reader) : rows_{reader} {}

  void on_fact(const ViewFact&) override {}
  void on_timer(const TimerKey&, Instant) override {}
  void on_change(const Change& change, const ChangeContext& context) override {
    if (const auto* asked = std::get_if<EffectRequested>(&change)) {
      if (asked->effect.channel == "notify") request(asked->effect, context.now);
    } else if (const auto* moved = std::get_if<EffectMoved>(&change)) {
      move(*moved, context.now);
    }
  }
  void take_dirty(std::vector<StoreWrite>& out) override { rows_.take_dirty(out); }
  Result<std::string> query(const ViewQuery&) const override {
    std::string out;
    DW_TRY(rows_.scan("n", [&](std::string_view key, std::string_view row) {
      put_text(out, key.substr(1, key.size() - 10));
      put_text(out, row);
      return true;
    }));
    return out;
  }
  std::size_t memory_bytes() const override { return rows_.memory_bytes(); }

 private:
  static std::string waiting(const EffectId& id) { return "r" + std::string{bytes_of(id)}; }

  void request(const Effect& effect, Instant now) {
    if (effect.state != EffectState::kRequested && effect.state != EffectState::kDelivered) return;
    std::string row;
    put_text(row, text_in(effect.payload, "to"));
    put_text(row, effect.rule);
    put_text(row, to_text(effect.subject));
    put_text(row, text_in(effect.payload, "text"));
    rows_.put(waiting(effect.id), std::move(row));
    if (effect.state == EffectState::kDelivered) deliver(effect.id, now);
  }

  // One that was not delivered may be asked for again, so its words stay until it was.
  void move(const EffectMoved& moved, Instant now) {
    if (moved.state == EffectState::kDelivered) deliver(moved.id, now);
    if (moved.state == EffectState::kCancelled) rows_.put(waiting(moved.id), std::nullopt);
  }

  void deliver(const EffectId& id, Instant now) {
    const auto row = get(waiting(id));
    if (!row) return;
    ByteReader in{*row};
    const std::string to{in.text()};
    std::string notice;
    put_signed(notice, now.ms);
    put_text(notice, hex(id));
    notice += in.rest();
    const auto known = get("c" + to);
    std::uint64_t count = 0;
    if (known) {
      ByteReader number{*known};
      count = number.varint();
    }
    rows_.put(numbered(to, count), std::move(notice));
    if (count >= kKept) rows_.put(numbered(to, count - kKept), std::nullopt);
    std::string next;
    put_varint(next, count + 1);
    rows_.put("c" + to, std::move(next));
    rows_.put(waiting(id), std::nullopt);
  }

  // An error sticks in the reader, and stops the partition.
  std::optional<std::string> get(const std::string& key) const {
    auto value = rows_.get(key);
    return value ? std::move(value.value()) : std::nullopt;
  }

  RowTable rows_;
};

struct Notice {
  Instant at;
  std::string_view to, effect, rule, about, text;
};

class NoticesView : public View {
 public:
  std::string_view name() const override { return "notices"; }
  std::uint32_t version() const override { return 1; }
  std::string_view description() const override {
    return "notices of rules to people inside, the newest first; to=user/u1 is one's inbox: its "
           "newest 500 of each partition";
  }
  ViewAsks asks() const override { return {kDimensions, "when it came", false, false, false}; }
  Result<std::unique_ptr<ViewFold>> open(const ViewReader& reader) const override {
    return std::unique_ptr<ViewFold>{std::make_unique<NoticesFold>(reader)};
  }

  Result<ViewRows> merge(const ViewQuery& query,
                         std::span<const std::string> parts) const override {
    DW_TRY(check_columns(query, kDimensions));
    DW_TRY(check_present(query, "notices"));
    if (!query.group_by.empty()) {
      return Error{Code::kInvalid, "view notices lists one by one; leave out group_by"};
    }
    std::vector<Notice> notices;
    for (const auto& part : parts) {
      ByteReader in{part};
      while (!in.at_end()) {
        Notice one;
        one.to = in.text();
        ByteReader row{in.text()};
        one.at.ms = row.signed_varint();
        one.effect = row.text();
        one.rule = row.text();
        one.about = row.text();
        one.text = row.text();
        const bool inside = one.at >= query.from && one.at < query.to;
        if (inside && passes(query, {{"to", one.to}, {"rule", one.rule}, {"about", one.about}})) {
          notices.push_back(one);
        }
      }
    }
    std::sort(notices.begin(), notices.end(), [](const Notice& a, const Notice& b) {
      return a.at != b.at ? a.at > b.at : a.effect < b.effect;
    });
    if (query.limit > 0 && notices.size() > query.limit) notices.resize(query.limit);
    ViewRows out;
    out.columns = {{"at", "instant"}, {"to", "text"},    {"text", "text"},
                   {"rule", "text"},  {"about", "text"}, {"effect", "text"}};
    for (const auto& one : notices) {
      out.rows.push_back({Value{one.at}, Value{one.to}, Value{one.text}, Value{one.rule},
                          Value{one.about}, Value{one.effect}});
    }
    return out;
  }
};

}  // namespace

const View& notices_view() {
  static const NoticesView kView;
  return kView;
}

}  // namespace dealwright::projections
