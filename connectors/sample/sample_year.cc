#include "connectors/sample/sample_year.h"

#include <algorithm>
#include <memory>

#include "engine/base/assert.h"

namespace dealwright::sample {

bool SampleYear::Later::operator()(const Running* a, const Running* b) const {
  const auto at_a = a->events[a->at].arrives;
  const auto at_b = b->events[b->at].arrives;
  return at_a != at_b ? at_a > at_b : a->number > b->number;
}

SampleYear::SampleYear(std::uint64_t seed, std::uint64_t scale)
    : seed_{seed}, customers_{scale * kCustomersPerScale}, first_{reference_data()} {
  DW_ASSERT(scale >= 1);
  start(tell_teams(seed));
}

// Spread evenly over the year from its second day, each a little off its place, never out of order.
Instant SampleYear::start_of_customer(std::uint64_t index) const {
  const auto gap = (kYearEnd - kYearStart - days(2)).ms / static_cast<std::int64_t>(customers_);
  Random random{seed_ * 31 + index};
  return kYearStart + days(1) +
         milliseconds(gap * static_cast<std::int64_t>(index) + random.between(0, gap - 1));
}

void SampleYear::start(std::vector<Told> events) {
  if (events.empty()) return;
  auto story = std::make_unique<Running>();
  story->events = std::move(events);
  story->number = stories_++;
  queue_.push(story.get());
  running_.push_back(std::move(story));
}

bool SampleYear::next(Event& event) {
  if (first_at_ < first_.size()) {
    event = std::move(first_[first_at_++].event);
    return true;
  }
  // A customer's first fact comes in when it starts: until then nothing can come before it.
  while (customer_ < customers_ &&
         (queue_.empty() ||
          queue_.top()->events[queue_.top()->at].arrives >= start_of_customer(customer_))) {
    start(tell_customer(seed_, customer_, start_of_customer(customer_)));
    ++customer_;
  }
  if (queue_.empty()) return false;
  auto* story = queue_.top();
  queue_.pop();
  auto& told = story->events[story->at];
  if (told.arrives >= kYearEnd) return false;  // and all that is left comes later
  event = std::move(told.event);
  if (++story->at < story->events.size()) {
    queue_.push(story);
  } else {
    const auto it = std::find_if(running_.begin(), running_.end(),
                                 [&](const auto& r) { return r.get() == story; });
    running_.erase(it);
  }
  return true;
}

}  // namespace dealwright::sample
