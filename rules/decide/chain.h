// The rules that led to a fact, oldest first: an extension of the facts that rules make, by which
// loops are seen. `offer-silence:5f0c3a1b@1772442000000`: the rule, its subject as a hash, when it
// started; commas between.
#pragma once

#include <string>
#include <string_view>

#include "engine/domain/enrolment.h"

namespace dealwright::rules {

inline constexpr std::string_view kChain = "rulechain";  // the extension's name
inline constexpr std::size_t kChainBytesMax = 2000;
inline constexpr Duration kChainSpan = hours(24);  // older links are forgotten

// The chain of what `enrolment` makes, behind the one that led to it.
std::string longer_chain(std::string_view before, const Enrolment& enrolment);
// How often the rule started for that subject within the last 24 hours, by what the chain says.
std::uint32_t rounds(std::string_view chain, std::string_view rule, const RecordKey& subject,
                     Instant now);
// "a, b, a": for people.
std::string rules_of(std::string_view chain);

}  // namespace dealwright::rules
