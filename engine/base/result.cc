#include "engine/base/result.h"

namespace dealwright {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kInvalid:
      return "invalid";
    case Code::kNotFound:
      return "not_found";
    case Code::kConflict:
      return "conflict";
    case Code::kRefused:
      return "refused";
    case Code::kDamaged:
      return "damaged";
    case Code::kUnknownOutcome:
      return "unknown_outcome";
    case Code::kNoSpace:
      return "no_space";
    case Code::kIo:
      return "io";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kOverload:
      return "overload";
    case Code::kClosed:
      return "closed";
  }
  return "unknown";
}

}  // namespace dealwright
