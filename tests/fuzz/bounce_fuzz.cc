// Mails that come in: any bytes give a report, a complaint, a reply or an error, of bounded size.
#include "connectors/smtp/bounce.h"
#include "engine/base/assert.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright::smtp;
  const auto bytes = dealwright::fuzz::text_of(data, size);
  const auto to = addressed_to(bytes);
  DW_ASSERT(to.size() <= 100);
  for (const auto& address : to) {
    DW_ASSERT(address.size() <= 512 && address.find('@') != std::string::npos);
  }
  const auto read = read_incoming(bytes);
  if (!read) return 0;
  if (const auto* reply = std::get_if<Reply>(&read.value())) {
    DW_ASSERT(reply->references.size() <= 100);
  }
  if (const auto* report = std::get_if<Report>(&read.value())) {
    DW_ASSERT(report->bounces.size() <= 100 && report->message_id.size() <= 512);
    for (const auto& bounce : report->bounces) {
      DW_ASSERT(bounce.recipient.size() <= 512 && bounce.diagnostic.size() <= 512);
      DW_ASSERT(bounce.recipient.find_first_of("\r\n") == std::string::npos);
    }
  }
  return 0;
}
