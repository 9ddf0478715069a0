// One lambda per alternative of a variant; an alternative left out does not compile.
#pragma once

namespace dealwright {

template <class... F>
struct overloaded : F... {
  using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;

}  // namespace dealwright
