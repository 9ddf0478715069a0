// An expected failure is a value. What the outside does to us (a damaged file, a full disk, bad
// text) comes back as an Error; what only our own mistake can cause is a DW_ASSERT.
#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/try.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace dealwright {

// Closed list; the names are stable and appear in output (`--json`, exit codes).
enum class Code : std::uint8_t {
  kInvalid,  // bad input: the detail says what, where, how to mend it
  kNotFound,
  kConflict,        // somebody else was first, or the state does not allow it
  kRefused,         // a rule of ours forbids it
  kDamaged,         // checksum, gap, broken chain: stop the partition, never guess
  kUnknownOutcome,  // perhaps done: read back
  kNoSpace,
  kIo,           // the operating system said no
  kUnsupported,  // written by a newer version, or needs a part that is not here
  kOverload,     // a limit is reached: try again later
  kClosed,       // shut down meanwhile
};

std::string_view code_name(Code code);

struct Error {
  Code code;
  std::string detail;  // a sentence for people: what, where, how to mend it
  bool retriable = false;
};

// Unused: a warning. value() of an error, error() of a value: the process stops.
template <class T>
using Result = boost::outcome_v2::basic_result<T, Error, boost::outcome_v2::policy::terminate>;

inline auto ok() { return boost::outcome_v2::success(); }

#define DW_TRY(...) BOOST_OUTCOME_TRY(__VA_ARGS__)

}  // namespace dealwright
