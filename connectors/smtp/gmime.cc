#include "connectors/smtp/gmime.h"

#include <gmime/gmime.h>

#include <mutex>

namespace dealwright::smtp {

void ready_gmime() {
  static std::once_flag once;
  std::call_once(once, [] { g_mime_init(); });
}

void Unref::operator()(void* object) const {
  if (object != nullptr) g_object_unref(object);
}

void GFree::operator()(void* bytes) const { g_free(bytes); }

Ref<GMimeStream> stream_of(std::string_view bytes) {
  return Ref<GMimeStream>{g_mime_stream_mem_new_with_buffer(bytes.data(), bytes.size())};
}

std::string bytes_of_stream(GMimeStream* stream) {
  const auto* array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
  return {reinterpret_cast<const char*>(array->data), array->len};
}

}  // namespace dealwright::smtp
