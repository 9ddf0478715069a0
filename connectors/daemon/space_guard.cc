#include "connectors/daemon/space_guard.h"

#include <fmt/format.h>

namespace dealwright::daemon {

Result<void> SpaceGuard::admit() {
  DW_TRY(const auto free, files_.free_bytes(path_));
  DW_TRY(const auto total, files_.total_bytes(path_));
  const auto limit = closed_ ? kOpenPercent : kClosePercent;
  // Divided first: a disk of 2^58 bytes and more must not overflow.
  const bool closed = free / limit < total / 100;
  const bool changed = closed_.exchange(closed) != closed && on_change_;
  if (!closed && changed) on_change_({});
  if (!closed) return ok();
  Error full{
      Code::kNoSpace,
      fmt::format("the disk of {} has {} of {} bytes free: below {} % no fact is taken, until "
                  "{} % are free; delete what is not needed there, or move to a larger disk",
                  path_, free, total, kClosePercent, kOpenPercent),
      true};
  if (changed) on_change_(full.detail);
  return full;
}

}  // namespace dealwright::daemon
