// Names the programs of others that a test is held against, in lines of which tests/run.py makes a
// table. Called in the test, or its fixture.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace dealwright {

// The running test is held against it; said before GTEST_SKIP: it would be.
inline void outside(const std::string& program) {
  std::printf("outside: %s\n", program.c_str());
  std::fflush(stdout);
}
// Of its cases, so many are good; `words` says what they are.
inline void outside(const std::string& program, std::size_t good, std::size_t all,
                    const std::string& words) {
  std::printf("outside: %s: %zu of %zu %s\n", program.c_str(), good, all, words.c_str());
  std::fflush(stdout);
}

}  // namespace dealwright
