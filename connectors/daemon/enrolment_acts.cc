#include "connectors/daemon/enrolment_acts.h"

#include <utility>

namespace dealwright::daemon {

Result<Map> act_on_enrolment(Workspace& workspace, std::string_view prefix,
                             const EnrolmentAct& asked, const Act& act) {
  DW_TRY(const auto found, find_enrolment(workspace, prefix));
  const auto& [partition, before] = found;
  DW_TRY(auto event, operator_event(workspace, asked.what, before.subject, asked.reason, act));
  event.data.set(Field::kEnrolment, Value{hex_of(before.id)});
  if (asked.what == TypeId::kTimerMoved) {
    if (!asked.due) return Error{Code::kInvalid, "say when it is to be due"};
    event.data.set(Field::kDue, Value{*asked.due});
  }
  DW_TRY(append_and_judge(workspace, std::move(event), partition));
  Map out{{"enrolment", Value{hex_of(before.id)}},
          {"rule", Value{before.rule}},
          {"subject", Value{to_text(before.subject)}}};
  const auto id = before.id;
  DW_TRY(workspace.engine().ask(partition, [&](runtime::Partition& p) {
    const auto* live = p.state().enrolment(id);
    out.emplace_back("ended", Value{live == nullptr});
    const bool waits = live != nullptr && live->due.has_value();
    out.emplace_back("due", waits ? Value{*live->due} : Value{Null{}});
  }));
  return *Value{std::move(out)}.as_map();  // sorted
}

}  // namespace dealwright::daemon
