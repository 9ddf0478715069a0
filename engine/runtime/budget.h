// How many mails may begin in an hour, in all and to one mail domain. In memory of the leader only:
// it delays, and a start forgets it; partitions have their shares.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "engine/domain/enrolment.h"

namespace dealwright::runtime {

// One thread.
class Budget {
 public:
  struct Rates {
    double all = 0;     // mails an hour; 0: as many as there are
    double domain = 0;  // to one domain
  };
  explicit Budget(Rates rates) : rates_{rates} {}

  // Whether this mail may begin now: then it is counted. Else when: its place is kept until then,
  // so that those that wait come one by one.
  struct Answer {
    std::optional<Instant> until;  // none: now
    std::string reason;
  };
  Answer ask(const EffectId& id, std::string_view address, Instant now);

 private:
  struct Bucket {
    Instant next = kBeforeAll;  // when the next one may go
  };
  Instant slot(const Bucket& bucket, double rate, Instant now) const;
  void take(Bucket& bucket, double rate, Instant at) const;

  const Rates rates_;
  Bucket all_;
  std::map<std::string, Bucket, std::less<>> domains_;
  std::map<EffectId, Instant> places_;  // of those that wait
};

}  // namespace dealwright::runtime
