// An SMTP server that says anything: the transaction ends or goes on, never lets the dot out by
// itself, and never says delivered without it.
#include "connectors/smtp/dialogue.h"
#include "engine/base/assert.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright::smtp;
  using What = dealwright::AttemptResult::What;
  const auto text = dealwright::fuzz::text_of(data, size);
  Dialogue dialogue{{"b@x.example", "a@y.example", "Subject: x\r\n\r\n.a\r\n.\r\n"}};
  std::string written;
  bool let_go = false;
  for (std::size_t at = 0; at < text.size() && dialogue.step() != Dialogue::Step::kEnded;) {
    const auto step = static_cast<unsigned char>(text[at++]);
    const auto output = dialogue.output();
    if (step < 64) {
      const auto count = std::min<std::size_t>(output.size(), step);
      written += output.substr(0, count);
      dialogue.wrote(count);
    } else if (step < 70 && dialogue.step() == Dialogue::Step::kHeld) {
      let_go = true;
      dialogue.go();
    } else if (step < 72) {
      dialogue.stop("stopped");
    } else {
      const auto part = text.substr(at, step);
      at += part.size();
      dialogue.received(part);
    }
    DW_ASSERT(let_go || written.find("\r\n.\r\n") == std::string::npos);
  }
  if (dialogue.step() != Dialogue::Step::kEnded) return 0;
  const bool dot = written.ends_with("\r\n.\r\n");
  const auto what = dialogue.result().what;
  DW_ASSERT(what != What::kDelivered || dot);
  DW_ASSERT(what != What::kAborted || !dot);
  DW_ASSERT(dialogue.result().detail.size() <= 512);
  return 0;
}
