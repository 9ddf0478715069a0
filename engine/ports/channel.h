// What carries effects out of the engine: mail, webhooks. A channel makes one attempt; whether and
// when another follows is the engine's to decide. Fake: fake/fake_channel.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/domain/enrolment.h"

namespace dealwright {

struct Attempt {
  Effect effect;             // its payload as captured when it was requested
  std::uint32_t number = 1;  // of this effect's attempts
  Map content;  // what was rendered for it: subject, text, html; empty: the payload is all
};

struct AttemptResult {
  enum class What : std::uint8_t {
    kDelivered,  // 250, 2xx
    kRejected,   // for good: 5xx of mail; what a later attempt would meet again
    kRetry,      // did not pass the point of no return, or was told to come again
    kUnknown,    // passed it, and nobody knows what came of it
    kAborted,    // stopped in front of it, by the engine's word or because 10 s had gone by
  };
  What what = What::kRetry;
  std::string detail;                   // the receiver's words; at most 512 bytes
  std::optional<Duration> retry_after;  // as the receiver asked
  bool host_up = false;                 // of a retry: its host is well, and others may go there
  friend bool operator==(const AttemptResult&, const AttemptResult&) = default;
};

// Thread-safe. Callbacks come on threads of the channel's own, short and never from within send().
class Channel {
 public:
  // What lets an attempt pass its point of no return, or stops it. Call once, any thread, within
  // kAttemptSpan: behind that the attempt is aborted by itself.
  using Gate = std::function<void(bool go)>;
  virtual ~Channel() = default;

  virtual std::string_view name() const = 0;  // "email", "webhook"
  // True: send() goes up to the point of no return and calls `ready`, once, when only that is left
  // (SMTP: the final dot); it passes when the gate says so. False: it may pass at once, and `ready`
  // is not called: that the attempt starts is durable before send().
  virtual bool waits_at_gate() const = 0;
  // Where an attempt of this effect goes: "api.example.org:443". What goes to one place shares its
  // limits, and waits if that is down. "": nowhere in particular.
  virtual std::string destination(const Effect&) const { return {}; }
  // Makes the attempt; calls `done` once, whatever happens, behind `ready` if that was called.
  virtual void send(Attempt attempt, std::function<void(Gate)> ready,
                    std::function<void(AttemptResult)> done) = 0;
};

}  // namespace dealwright
