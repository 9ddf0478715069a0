// Planted bugs (docs/simulation.md): each stands as one line at its place in production code, and
// measures whether the simulator finds what it is for. In every build but the simulator's own
// DW_PLANTED(n) is the constant false, so nothing of them is left in what is shipped.
#pragma once

#include <cstdint>

#ifdef DW_PLANTED_BUGS
namespace dealwright {
inline int planted_bug = 0;               // the one that is on; set before anything runs, 0: none
inline std::int64_t planted_wall_ms = 0;  // of the wall clock that was read last, for bug 5
}  // namespace dealwright
#define DW_PLANTED(n) (::dealwright::planted_bug == (n))
#else
namespace dealwright {
inline constexpr std::int64_t planted_wall_ms = 0;
}  // namespace dealwright
#define DW_PLANTED(n) false
#endif
