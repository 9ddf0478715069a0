// Memory that was freed goes back to the system, where the program has jemalloc; else nothing.
#pragma once

#include <cstddef>

extern "C" {
[[gnu::weak]] int mallctl(const char* name, void* old_value, std::size_t* old_length,
                          void* new_value, std::size_t new_length);
}

namespace dealwright::os {

// For a moment after which much less is needed: it takes milliseconds. Any thread.
inline void give_back_memory() {
  if (mallctl != nullptr) mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // of all
}

}  // namespace dealwright::os
