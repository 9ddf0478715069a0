// GMime's objects with owners. For sources only: its header stays out of ours.
#pragma once

#include <memory>
#include <string>
#include <string_view>

using GMimeStream = struct _GMimeStream;

namespace dealwright::smtp {

// Readies the library once; cheap after that. Thread-safe.
void ready_gmime();

struct Unref {
  void operator()(void* object) const;
};
// One reference to a GObject.
template <class T>
using Ref = std::unique_ptr<T, Unref>;

struct GFree {
  void operator()(void* bytes) const;
};
using Text = std::unique_ptr<char, GFree>;

// A stream over a copy of `bytes`.
Ref<GMimeStream> stream_of(std::string_view bytes);
// All that was written to a memory stream.
std::string bytes_of_stream(GMimeStream* stream);

}  // namespace dealwright::smtp
