#include "engine/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace dealwright {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "dealwright: our mistake: %s does not hold at %s:%d\n", condition, file,
               line);
  std::abort();
}

}  // namespace dealwright
