// A data directory that opens with effects paused, as one that was restored: a file in it says
// since when and why, and stays until somebody resumes (see pause_workspace).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/ports/file_system.h"

namespace dealwright::daemon {

inline constexpr std::string_view kEffectsPausedFile = "effects-paused.json";

struct EffectsPause {
  std::string reason;
  Instant since;
};

// Durable when it returns.
Result<void> write_effects_pause(FileSystem& files, const std::string& data,
                                 const EffectsPause& pause);
// None: nothing is paused. A file that cannot be understood pauses too.
Result<std::optional<EffectsPause>> read_effects_pause(FileSystem& files, const std::string& data);
// Durable when it returns, also if there was none.
Result<void> remove_effects_pause(FileSystem& files, const std::string& data);

}  // namespace dealwright::daemon
