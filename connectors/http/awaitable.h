// What a handler returns. The one header of ours that shows Asio.
#pragma once

#include <boost/asio/awaitable.hpp>

// g++ 12 takes the frame's operator new and delete, inlined to different depths, for a wrong pair.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace dealwright::http {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

}  // namespace dealwright::http
