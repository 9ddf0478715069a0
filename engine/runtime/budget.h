// How many mails may begin in an hour: in all, to one mail domain, and to one provider of
// mailboxes, which may have many domains. In memory of the leader only: it delays, and a start
// forgets it; partitions have their shares.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/domain/enrolment.h"

namespace dealwright::runtime {

// One thread. A mail is counted when it leaves; those that wait are told instants of their own, so
// that they come one by one, and who asks first later comes behind them.
class Budget {
 public:
  struct Rates {  // mails an hour; 0: as many as there are
    double all = 0;
    double domain = 0;
    double provider = 0;
    std::map<std::string, std::string, std::less<>> providers = {};  // by domain, in lower case
  };
  // A share of `rates` for each of so many.
  explicit Budget(Rates rates, std::uint32_t shares = 1);

  // Whether this mail may begin now: then it is counted, a minute's worth at once at most. Else
  // when to ask again; not behind `end`, when its time is over.
  struct Answer {
    std::optional<Instant> until;  // none: now
    std::string reason;
  };
  Answer ask(const EffectId& id, std::string_view address, Instant now, Instant end = kAfterAll);

 private:
  // Instants that were told, each in a span of its own. They begin with the first mail, and anew
  // when none is left.
  class Calendar {
   public:
    explicit Calendar(Duration each) : each_{each} {}
    void forget_before(Instant now);
    Instant room_from(Instant at);  // `at`, or the beginning of the first free span behind it
    void take(Instant at) { taken_.emplace(number(at), 0); }
    bool empty() const { return taken_.empty(); }

   private:
    std::int64_t number(Instant at) const { return (at.ms - base_ms_) / each_.ms; }

    Duration each_;
    std::int64_t base_ms_ = 0;
    std::map<std::int64_t, std::int64_t> taken_;  // to a span behind which all before are taken too
  };
  struct Bucket {
    explicit Bucket(Duration each) : calendar{each} {}
    Instant next = kBeforeAll;  // when one may leave; further back: as many more
    Calendar calendar;
  };
  using Buckets = std::map<std::string, Bucket, std::less<>>;
  struct Tier;
  void forget_old(Instant now);

  const Rates rates_;
  const Duration all_each_, provider_each_, domain_each_;  // 0: no limit
  Buckets all_, providers_, domains_;
  std::size_t sweep_at_;                // domains
  std::map<EffectId, Instant> places_;  // of those that wait
};

}  // namespace dealwright::runtime
