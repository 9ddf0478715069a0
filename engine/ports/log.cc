#include "engine/ports/log.h"

namespace dealwright {

std::string_view topic_name(Topic topic) {
  return topic == Topic::kEvents ? "events" : "decisions";
}

}  // namespace dealwright
