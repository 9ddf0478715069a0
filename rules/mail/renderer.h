// Renders the mail of an effect: template in force, records as they are now.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/ports/decider.h"
#include "rules/mail/mail.h"
#include "rules/plan/reader.h"

namespace dealwright::rules::mail {

// One thread; remembers the templates that it parsed, by id, as long as their text stays.
class Renderer {
 public:
  using UnsubscribeUrl = std::function<std::string(std::uint32_t partition, const Effect&)>;
  // The zones outlive it. `unsubscribe_url`: see DeciderOptions; may be empty.
  Renderer(Workspace workspace, ZoneProvider zones, UnsubscribeUrl unsubscribe_url)
      : workspace_{std::move(workspace)},
        zones_{std::move(zones)},
        unsubscribe_url_{std::move(unsubscribe_url)} {}

  // The content of an attempt: subject, text, html, from, from_name, reply_to, name (of the
  // recipient), unsubscribe_url (of marketing). Empty for an effect that names no template. An
  // error says template, line, and what is missing: kNotFound, no such template is published; else
  // kInvalid.
  Result<Map> render(const Effect& effect, Turn& turn, const Schema* schema);
  // The same with a template that is not published; layouts are still those in force.
  Result<Map> render_with(const Mail& mail, std::string_view id, const Effect& effect, Turn& turn,
                          const Schema* schema);

  struct Scene;  // what all parts of one mail see

 private:
  struct Found {
    std::string id;
    std::shared_ptr<const Mail> mail;
  };
  Result<std::string> render_parts(const Mail& mail, std::string_view id, Scene& scene, Turn& turn,
                                   std::optional<Part> Mail::*which);
  Result<Found> find(std::string_view name, std::string_view language, Turn& turn);
  Result<std::shared_ptr<const Mail>> parsed(const std::string& id, std::string_view text);
  std::shared_ptr<const Zone> zone_for(const Effect& effect, Turn& turn) const;

  const Workspace workspace_;
  const ZoneProvider zones_;
  const UnsubscribeUrl unsubscribe_url_;
  std::map<std::string, std::shared_ptr<const Mail>, std::less<>> known_;
};

// An effect as the step send_email would ask for it, about a record: to show what would be sent.
// `to`: none: the nearest contact or lead.
Effect preview_effect(Turn& turn, std::string_view name, const RecordKey& about,
                      const std::optional<RecordKey>& to, std::string_view language,
                      std::string_view purpose);
// What is wrong with the samples of a mail (5007), rendered as they would be sent. `layouts`: id
// and text of the layouts that it may stand in.
std::vector<Diagnostic> check_samples(const Mail& mail, std::string_view id,
                                      const std::map<std::string, std::string>& layouts,
                                      const Workspace& workspace, const ZoneProvider& zones,
                                      SchemaPtr schema);

}  // namespace dealwright::rules::mail
