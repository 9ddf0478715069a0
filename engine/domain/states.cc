#include "engine/domain/states.h"

#include <algorithm>
#include <iterator>

namespace dealwright {
namespace {

std::string lead_state(const std::string& state, TypeId type) {
  const bool fresh = state == "new" || state == "working";
  switch (type) {
    case TypeId::kLeadCaptured:
      return state.empty() || state == "disqualified" ? "new" : state;
    case TypeId::kContactAttempted:
    case TypeId::kContactReached:
      return state == "new" ? "working" : state;
    case TypeId::kLeadQualified:
      return fresh || state == "disqualified" ? "qualified" : state;
    case TypeId::kLeadDisqualified:
      return fresh || state == "qualified" ? "disqualified" : state;
    case TypeId::kLeadRecycled:
      return state == "disqualified" ? "working" : state;
    case TypeId::kDealOpened:
      return "converted";
    default:
      return state;
  }
}

int offer_rank(std::string_view state) {
  static constexpr std::string_view kOrder[] = {"", "draft", "sent", "viewed", "answered"};
  const auto it = std::find(std::begin(kOrder), std::end(kOrder), state);
  return it == std::end(kOrder) ? 99 : static_cast<int>(it - std::begin(kOrder));
}

std::string offer_state(const std::string& state, TypeId type) {
  const auto forward = [&](const char* to) -> std::string {
    return offer_rank(to) > offer_rank(state) ? to : state;
  };
  const bool final = offer_rank(state) == 99;
  switch (type) {
    case TypeId::kOfferDrafted:
    case TypeId::kOfferRevised:
      return forward("draft");
    case TypeId::kOfferSent:
      return forward("sent");
    case TypeId::kOfferViewed:
      return forward("viewed");
    case TypeId::kOfferAnswered:
      return forward("answered");
    case TypeId::kOfferAccepted:
      return final ? state : "accepted";
    case TypeId::kOfferDeclined:
      return final ? state : "declined";
    case TypeId::kOfferWithdrawn:
      return final ? state : "withdrawn";
    case TypeId::kOfferExpired:
      return final ? state : "expired";
    default:
      return state;
  }
}

int contract_rank(std::string_view state) {
  static constexpr std::string_view kOrder[] = {"", "draft", "sent", "viewed", "signed"};
  const auto it = std::find(std::begin(kOrder), std::end(kOrder), state);
  return it == std::end(kOrder) ? 99 : static_cast<int>(it - std::begin(kOrder));
}

std::string contract_state(const std::string& state, TypeId type) {
  const auto forward = [&](const char* to) -> std::string {
    return contract_rank(to) > contract_rank(state) ? to : state;
  };
  switch (type) {
    case TypeId::kContractDrafted:
      return forward("draft");
    case TypeId::kContractSent:
      return forward("sent");
    case TypeId::kContractViewed:
      return forward("viewed");
    case TypeId::kContractSigned:
      return forward("signed");
    case TypeId::kContractEnded:
      return contract_rank(state) == 99 ? state : "ended";
    case TypeId::kContractDeclined:
      return contract_rank(state) >= contract_rank("signed") ? state : "declined";
    default:
      return state;
  }
}

std::string task_state(const std::string& state, TypeId type) {
  const bool final = state == "done" || state == "cancelled";
  switch (type) {
    case TypeId::kTaskCreated:
      return state.empty() ? "open" : state;
    case TypeId::kTaskStarted:
      return final ? state : "started";
    case TypeId::kTaskCompleted:
      return final ? state : "done";
    case TypeId::kTaskCancelled:
      return final ? state : "cancelled";
    case TypeId::kTaskReopened:
      return final ? "open" : state;
    default:
      return state;
  }
}

std::string other_state(const std::string& state, TypeId type) {
  switch (type) {
    case TypeId::kTicketOpened:
      return state.empty() ? "open" : state;
    case TypeId::kTicketReopened:
      return "open";
    case TypeId::kTicketClosed:
      return "closed";
    case TypeId::kSurveySent:
      return state.empty() ? "sent" : state;
    case TypeId::kSurveyAnswered:
      return "answered";
    default:
      return state;
  }
}

}  // namespace

std::string next_state(Kind kind, const std::string& state, TypeId type) {
  switch (kind) {
    case Kind::kLead:
      return lead_state(state, type);
    case Kind::kOffer:
      return offer_state(state, type);
    case Kind::kContract:
      return contract_state(state, type);
    case Kind::kTask:
      return task_state(state, type);
    case Kind::kTicket:
    case Kind::kSurvey:
      return other_state(state, type);
    default:
      return state;
  }
}

bool opens(Kind kind, TypeId type) {
  switch (type) {
    case TypeId::kLeadCaptured:
      return kind == Kind::kLead;
    case TypeId::kDealOpened:
      return kind == Kind::kDeal;
    case TypeId::kOfferDrafted:
    case TypeId::kOfferRevised:
    case TypeId::kContractDrafted:
    case TypeId::kTaskCreated:
    case TypeId::kTicketOpened:
    case TypeId::kSurveySent:
      return true;
    default:
      return false;
  }
}

bool offer_is_final(std::string_view state) { return offer_rank(state) == 99; }

bool ends_for_good(TypeId type) {
  switch (type) {
    case TypeId::kOfferAccepted:
    case TypeId::kOfferDeclined:
    case TypeId::kOfferWithdrawn:
    case TypeId::kOfferExpired:
    case TypeId::kContractDeclined:
    case TypeId::kContractEnded:
    case TypeId::kTaskCompleted:
    case TypeId::kTaskCancelled:
      return true;
    default:
      return false;
  }
}

}  // namespace dealwright
