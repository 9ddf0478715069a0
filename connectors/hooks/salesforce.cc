#include "connectors/hooks/salesforce.h"

namespace dealwright::hooks {

Kind salesforce_kind(std::string_view entity) {
  static constexpr std::pair<std::string_view, Kind> kKinds[] = {{"Opportunity", Kind::kDeal},
                                                                 {"Lead", Kind::kLead},
                                                                 {"Account", Kind::kAccount},
                                                                 {"Contact", Kind::kContact},
                                                                 {"Case", Kind::kTicket}};
  for (const auto& [name, kind] : kKinds) {
    if (name == entity) return kind;
  }
  return Kind::kForeign;
}

// @delta: the fields are those that changed (Change Data Capture), not those that ops chose.
const std::string_view kSalesforceDefaults = R"yaml(
- when: { "@object": Opportunity, "@action": create }
  type: deal.opened
  subject: "deal/{$prefix}{@id}"
  data:
    pipeline: "{$pipeline}"
    stage: { from: "{@record.StageName}", table: stages }
    name: "{@record.Name}"
    amount: { from: "{@record.Amount}", currency: ["{@record.CurrencyIsoCode}", "{$currency}"] }
    close_date: "{@record.CloseDate}"
    account: "{$prefix}{@record.AccountId}"
    source: "{@record.LeadSource}"
    owner: { from: "{@record.OwnerId}", table: owners }
- when: { "@object": Opportunity, "@action": update, "@record.StageName": { filled: true } }
  type: deal.stage_changed
  subject: "deal/{$prefix}{@id}"
  data: { to: { from: "{@record.StageName}", table: stages } }
- when: { "@object": Opportunity, "@action": update, "@record.Amount": { filled: true } }
  type: deal.amount_changed
  subject: "deal/{$prefix}{@id}"
  data: { amount: { from: "{@record.Amount}", currency: ["{@record.CurrencyIsoCode}", "{$currency}"] } }
- when: { "@object": Opportunity, "@action": update, "@record.CloseDate": { filled: true } }
  type: deal.close_date_moved
  subject: "deal/{$prefix}{@id}"
  data: { to: "{@record.CloseDate}" }
- when: { "@object": Opportunity, "@action": update, "@record.Name": { filled: true } }
  type: deal.updated
  subject: "deal/{$prefix}{@id}"
  data: { set: { name: "{@record.Name}" } }
- when: { "@object": Opportunity, "@action": update, "@record.AccountId": { filled: true } }
  type: deal.updated
  subject: "deal/{$prefix}{@id}"
  data: { set: { account: "{$prefix}{@record.AccountId}" } }
- when: { "@object": Lead, "@action": create }
  type: lead.captured
  subject: "lead/{$prefix}{@id}"
  data:
    source: "{@record.LeadSource}"
    company: "{@record.Company}"
    person:
      name: { from: ["{@record.FirstName} {@record.LastName}", "{@record.Name.FirstName} {@record.Name.LastName}", "{@record.LastName}", "{@record.Name.LastName}"] }
      emails: ["{@record.Email}"]
      phones: ["{@record.Phone}"]
      country: "{@record.Country}"
    owner: { from: "{@record.OwnerId}", table: owners }
- when: { "@object": Lead, "@action": update, "@record.Company": { filled: true } }
  type: lead.enriched
  subject: "lead/{$prefix}{@id}"
  data: { set: { company: "{@record.Company}" } }
- when: { "@object": Lead, "@action": update, "@record.IsConverted": true }
  type: lead.qualified
  subject: "lead/{$prefix}{@id}"
- when: { "@object": Account, "@action": [create, update] }
  type: account.updated
  subject: "account/{$prefix}{@id}"
  data: { set: { name: "{@record.Name}", country: { from: ["{@record.BillingCountry}", "{@record.BillingAddress.Country}"] } } }
- when: { "@object": Contact, "@action": [create, update] }
  type: contact.updated
  subject: "contact/{$prefix}{@id}"
  data:
    set:
      name: { from: ["{@record.FirstName} {@record.LastName}", "{@record.Name.FirstName} {@record.Name.LastName}"] }
      emails: ["{@record.Email}"]
      phones: ["{@record.Phone}"]
      account: "{$prefix}{@record.AccountId}"
- when: { "@object": Case, "@action": create }
  type: ticket.opened
  subject: "ticket/{$prefix}{@id}"
  data: { kind: support, about: { from: ["account/{$prefix}{@record.AccountId}", "contact/{$prefix}{@record.ContactId}"] } }
- when: { "@object": Case, "@action": update, "@record.IsClosed": true }
  type: ticket.closed
  subject: "ticket/{$prefix}{@id}"
- when: { "@kind": { filled: true }, "@delta": true, "@action": update, "@record.OwnerId": { filled: true } }
  type: "{@kind}.assigned"
  subject: "{@kind}/{$prefix}{@id}"
  data: { owner: { from: "{@record.OwnerId}", table: owners } }
- when: { "@kind": { filled: true }, "@action": delete }
  type: "{@kind}.deleted"
  subject: "{@kind}/{$prefix}{@id}"
- when: { "@kind": { filled: true }, "@action": undelete }
  type: "{@kind}.restored"
  subject: "{@kind}/{$prefix}{@id}"
)yaml";

}  // namespace dealwright::hooks
