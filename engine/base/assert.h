// DW_ASSERT: our own mistake. On in release; prints where and stops the process.
#pragma once

namespace dealwright {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}

#define DW_ASSERT(condition)             \
  (static_cast<bool>(condition) ? void() \
                                : ::dealwright::assertion_failed(#condition, __FILE__, __LINE__))
