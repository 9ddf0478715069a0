// The kinds of steps: a row each.
#include "rules/steps/assign.h"
#include "rules/steps/close_tasks.h"
#include "rules/steps/create_task.h"
#include "rules/steps/end.h"
#include "rules/steps/if.h"
#include "rules/steps/notify.h"
#include "rules/steps/send_email.h"
#include "rules/steps/send_webhook.h"
#include "rules/steps/stop.h"
#include "rules/steps/update.h"
#include "rules/steps/wait.h"
#include "rules/steps/wait_for.h"
#include "rules/steps/wait_until.h"

namespace dealwright::rules {

std::span<const StepKind> step_kinds() {
  static const std::vector<StepKind> kinds = {
      wait_step(),         wait_until_step(),  wait_for_step(),    if_step(),     send_email_step(),
      send_webhook_step(), create_task_step(), close_tasks_step(), update_step(), assign_step(),
      notify_step(),       end_step(),         stop_step()};
  return kinds;
}

std::span<const std::string_view> later_steps() {
  static constexpr std::string_view kLater[] = {"switch", "split", "repeat",
                                                "goto",   "call",  "approval"};
  return kLater;
}

}  // namespace dealwright::rules
