// What happens to one customer, told fact by fact.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/sample/random.h"
#include "engine/domain/event.h"

namespace dealwright::sample {

inline constexpr Instant kYearStart{1'767'225'600'000};  // 2026-01-01T00:00:00Z
inline constexpr Instant kYearEnd{1'798'761'600'000};    // 2027-01-01T00:00:00Z

// A fact, and when it comes in.
struct Told {
  Instant arrives;
  Event event;
};

struct Seller {
  std::string_view id, name, team, zone, currency;
  bool manager;
};
std::span<const Seller> sellers();

// Tells facts at a moment that moves on. Every fact has a sound form, or the process stops.
class Teller {
 public:
  Teller(std::string name, std::string partition_key, Instant now, Random random)
      : random_{random}, now_{now}, name_{std::move(name)}, key_{std::move(partition_key)} {}

  Random& random() { return random_; }
  Instant now() const { return now_; }
  void actor(std::string_view who) { actor_ = who; }
  // Moves on by minutes; to the next working hour (Mon-Fri 08-17 UTC) if asked.
  void pass(std::int64_t minutes_min, std::int64_t minutes_max, bool working = true);
  void pass_days(std::int64_t days_min, std::int64_t days_max);
  void go_to(Instant at) { now_ = std::max(now_, at); }

  // The fact happens now. Valid until the next one is told.
  Told& say(std::string_view type, std::string_view subject, Map data = {});
  void come_late(std::int64_t hours);  // the fact told last
  void come_undated();
  void come_twice();
  std::vector<Told> take();  // by arrival; empties the teller

 private:
  Random random_;
  Instant now_;
  std::string name_;
  std::string key_;
  std::string actor_;
  std::uint64_t said_ = 0;
  std::vector<Told> told_;
};

// Ids and choices of one customer, fixed when it comes up.
struct Customer {
  std::string tag;  // c17: part of every id
  std::string lead, account, contact, deal;
  std::string person, company, email, country, zone;
  const Seller* owner = nullptr;
  std::int64_t amount_minor = 0;
  bool consents = false;
  Value money(std::int64_t minor) const;
};
Customer make_customer(std::uint64_t index, Random& random);

// Chapters; each false: the story ends there.
bool tell_lead(Teller& teller, const Customer& customer);  // steps 2 to 4: captured to qualified
bool tell_deal(Teller& teller, const Customer& customer);  // steps 4 to 7: opened to won
void tell_delivery(Teller& teller, const Customer& customer);  // steps 8 and 9: won to renewed
// The year of the teams: targets, forecasts, rates, experiments, trainings (steps 1 and 10).
std::vector<Told> tell_teams(std::uint64_t seed);
std::vector<Told> tell_customer(std::uint64_t seed, std::uint64_t index, Instant at);
std::vector<Told> reference_data();

}  // namespace dealwright::sample
