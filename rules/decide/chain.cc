#include "rules/decide/chain.h"

#include <charconv>

namespace dealwright::rules {
namespace {

std::string_view take_link(std::string_view& chain) {
  const auto end = std::min(chain.find(','), chain.size());
  const auto link = chain.substr(0, end);
  chain.remove_prefix(std::min(end + 1, chain.size()));
  return link;
}

// Rule and subject of a link: what two links are compared by.
std::string_view who(std::string_view link) { return link.substr(0, link.find('@')); }

bool fresh(std::string_view link, Instant now) {
  const auto at = std::min(link.find('@'), link.size() - 1) + 1;
  std::int64_t ms = 0;
  std::from_chars(link.data() + at, link.data() + link.size(), ms);
  return now < Instant{ms} + kChainSpan;
}

std::string link_of(std::string_view rule, const RecordKey& subject) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  auto out = std::string{rule} + ":";
  const auto hash = hash64(to_text(subject));
  for (int shift = 28; shift >= 0; shift -= 4) out += kDigits[hash >> shift & 15U];
  return out;
}

}  // namespace

std::string longer_chain(std::string_view before, const Enrolment& enrolment) {
  std::string out;
  while (!before.empty()) {
    const auto link = take_link(before);
    if (!link.empty() && fresh(link, enrolment.started)) out.append(link).push_back(',');
  }
  return out + link_of(enrolment.rule, enrolment.subject) + "@" +
         std::to_string(enrolment.started.ms);
}

std::uint32_t rounds(std::string_view chain, std::string_view rule, const RecordKey& subject,
                     Instant now) {
  const auto wanted = link_of(rule, subject);
  std::uint32_t out = 0;
  while (!chain.empty()) {
    const auto link = take_link(chain);
    if (!link.empty() && who(link) == wanted && fresh(link, now)) ++out;
  }
  return out;
}

std::string rules_of(std::string_view chain) {
  std::string out;
  while (!chain.empty()) {
    const auto link = take_link(chain);
    out += (out.empty() ? "" : ", ") + std::string{link.substr(0, link.find(':'))};
  }
  return out;
}

}  // namespace dealwright::rules
