#include "rules/mail/renderer.h"

#include <fmt/core.h>

#include <algorithm>

#include "rules/liquid/escape.h"
#include "rules/mail/plain.h"
#include "rules/steps/send_email.h"

namespace dealwright::rules::mail {

// What all parts of one mail see.
struct Renderer::Scene {
  const Effect& effect;
  Reader reader;
  const Map& records;  // by kind: those of the request
  std::string unsubscribe_url;
  std::string recipient_name;
};

namespace {

using liquid::Datum;

std::string text_at(const Map& map, std::string_view key) {
  const auto* value = dealwright::find(map, key);
  return value == nullptr ? std::string{} : std::string{value->text_or_empty()};
}

// What a record is called: a contact's or user's name, the person of a lead.
std::string name_of(const Record& record) {
  Value scratch;
  if (const auto* name = record.value(Field::kName, scratch)) {
    if (!name->text_or_empty().empty()) return std::string{name->text_or_empty()};
  }
  const auto* person = record.value(Field::kPerson, scratch);
  const auto* map = person == nullptr ? nullptr : person->as_map();
  if (map == nullptr) return {};
  if (auto name = text_at(*map, "name"); !name.empty()) return name;
  const auto first = text_at(*map, "first_name");
  const auto last = text_at(*map, "last_name");
  return first.empty() || last.empty() ? first + last : first + ' ' + last;
}

// "Name <address>" or an address.
std::pair<std::string, std::string> mailbox(std::string_view text) {
  const auto open = text.rfind('<');
  if (open == std::string_view::npos || !text.ends_with('>')) return {{}, std::string{text}};
  auto name = text.substr(0, open);
  while (!name.empty() && (name.back() == ' ' || name.back() == '"')) name.remove_suffix(1);
  while (!name.empty() && (name.front() == ' ' || name.front() == '"')) name.remove_prefix(1);
  return {std::string{name}, std::string{text.substr(open + 1, text.size() - open - 2)}};
}

class Values : public liquid::Environment {
 public:
  Values(const Part& part, Renderer::Scene& scene, Datum content)
      : part_{part}, scene_{scene}, content_{std::move(content)} {}

  Datum value(const liquid::Path&, std::size_t index) override {
    using What = Source::What;
    const auto& source = part_.sources[index];
    const auto text = [](std::string v) {
      return v.empty() ? Datum{} : Datum{Value{std::move(v)}};
    };
    switch (source.what) {
      case What::kNone:
        return {};
      case What::kRecord:
        return of_record(source);
      case What::kUnsubscribe:
        return text(scene_.unsubscribe_url);
      case What::kContent:
        return content_;
      case What::kName:
        return text(scene_.recipient_name);
      case What::kAddress:
        return text(text_at(scene_.effect.payload, "address"));
      case What::kLanguage:
        return text(text_at(scene_.effect.payload, "language"));
    }
    return {};
  }

 private:
  Datum of_record(const Source& source) {
    auto& reader = scene_.reader;
    reader.subject = scene_.effect.subject;
    if (source.path.root == Root::kRecord) {
      const auto named = text_at(scene_.records, kind_name(source.path.kind));
      if (!named.empty()) reader.subject = parse_record_key(named);
    }
    Value scratch;
    const auto* found = reader.find(source.path, scratch);
    if (found == nullptr || found->as_sealed() != nullptr) return {};
    Datum out{*found};
    for (const auto& name : source.rest) out = liquid::member(out, name);
    return out;
  }

  const Part& part_;
  Renderer::Scene& scene_;
  const Datum content_;
};

// One part, or what is missing in which line.
Result<std::string> render_part(const Mail& mail, std::string_view id, const Part& part,
                                Renderer::Scene& scene, Datum content) {
  Values values{part, scene, std::move(content)};
  std::string out;
  const auto wrong = liquid::render(part.text, values, {scene.reader.zone, scene.reader.now()},
                                    liquid::Missing::kError, out);
  if (!wrong) return out;
  return Error{Code::kInvalid, fmt::format("template {}, line {}: {}", id,
                                           mail.line_of(part, wrong->offset), wrong->message)};
}

bool is_marketing(const Effect& effect, const Schema* schema) {
  const auto purpose = text_at(effect.payload, "purpose");
  const auto* declared = schema == nullptr ? nullptr : schema->purpose(purpose);
  return declared == nullptr ? purpose != "service" : declared->of == PurposeClass::kMarketing;
}

struct Words {
  std::string_view language;
  std::string_view why;
  std::string_view link;
};
constexpr Words kFooters[] = {
    {"de", "Sie m\u00f6chten solche Nachrichten nicht mehr bekommen?", "Abmelden"},
    {"fr", "Vous ne souhaitez plus recevoir ces messages ?", "Se d\u00e9sabonner"},
    {"es", "\u00bfNo quiere recibir m\u00e1s mensajes como este?", "Darse de baja"},
    {"en", "You no longer want to receive messages like this?", "Unsubscribe"}};

// Marketing holds a way out of it: appended where a template shows none.
void add_footer(std::string_view id, const std::string& url, std::string& html, std::string& text) {
  const auto point = id.find('.');
  const auto language = point == std::string_view::npos ? "en" : id.substr(point + 1);
  const auto* words =
      std::find_if(std::begin(kFooters), std::end(kFooters) - 1,
                   [&](const Words& w) { return language.starts_with(w.language); });
  std::string link;
  liquid::append_escaped(link, url);
  if (!html.empty() && html.find(link) == std::string::npos) {
    const auto end = std::min(html.rfind("</body>"), html.size());
    html.insert(end,
                fmt::format("<p style=\"font-size:12px;color:#666\">{} <a href=\"{}\">{}</a></p>\n",
                            words->why, link, words->link));
  }
  if (!text.empty() && text.find(url) == std::string::npos) {
    if (!text.ends_with('\n')) text += '\n';
    text += fmt::format("\n-- \n{} {}: {}\n", words->why, words->link, url);
  }
}

}  // namespace

// ---- templates in force

Result<std::shared_ptr<const Mail>> Renderer::parsed(const std::string& id, std::string_view text) {
  const auto it = known_.find(id);
  if (it != known_.end() && it->second->source == text) return it->second;
  auto compiled = compile(text);
  if (compiled.mail == nullptr) {
    const auto& first =
        *std::find_if(compiled.diagnostics.begin(), compiled.diagnostics.end(),
                      [](const Diagnostic& d) { return d.severity == Severity::kError; });
    return Error{Code::kInvalid,
                 fmt::format("template {}, line {}: {}", id, first.at.line, first.message)};
  }
  known_[id] = compiled.mail;
  return compiled.mail;
}

// In the language asked for, in it without its region, else the one of no language.
Result<Renderer::Found> Renderer::find(std::string_view name, std::string_view language,
                                       Turn& turn) {
  std::vector<std::string> ids;
  if (!language.empty()) {
    ids.push_back(fmt::format("{}.{}", name, language));
    if (const auto dash = language.find('-'); dash != std::string_view::npos)
      ids.push_back(fmt::format("{}.{}", name, language.substr(0, dash)));
  }
  ids.emplace_back(name);
  for (auto& id : ids) {
    const auto* record = turn.record({Kind::kTemplate, id});
    Value scratch;
    const auto* status = record == nullptr ? nullptr : record->find(Field::kStatus);
    const auto* text = record == nullptr ? nullptr : record->find(Field::kText);
    if (text == nullptr || (status != nullptr && status->text_or_empty() == "retired")) continue;
    DW_TRY(auto mail, parsed(id, text->text_or_empty()));
    return Found{std::move(id), std::move(mail)};
  }
  return Error{Code::kNotFound,
               fmt::format("template {} is not published; dealwright template publish {}.liquid",
                           name, name)};
}

// ---- one mail

// The recipient's zone, else that of the workspace.
std::shared_ptr<const Zone> Renderer::zone_for(const Effect& effect, Turn& turn) const {
  const auto* record =
      effect.recipient.empty() ? nullptr : turn.record(parse_record_key(effect.recipient));
  Value scratch;
  const auto* tz = record == nullptr ? nullptr : record->value(Field::kTz, scratch);
  if (tz != nullptr) {
    if (auto zone = find_zone(tz->text_or_empty(), zones_)) return zone;
  }
  return find_zone(workspace_.zone, zones_);
}

Result<Map> Renderer::render(const Effect& effect, Turn& turn, const Schema* schema) {
  const auto name = text_at(effect.payload, "template");
  if (name.empty()) return Map{};
  DW_TRY(const auto found, find(name, text_at(effect.payload, "language"), turn));
  return render_with(*found.mail, found.id, effect, turn, schema);
}

// A part in its layout; empty: the mail has none.
Result<std::string> Renderer::render_parts(const Mail& mail, std::string_view id,
                                           Renderer::Scene& scene, Turn& turn,
                                           std::optional<Part> Mail::*which) {
  if (!(mail.*which)) return std::string{};
  DW_TRY(auto inner, render_part(mail, id, *(mail.*which), scene, {}));
  if (mail.layout.empty()) return inner;
  const auto point = id.find('.');
  const auto language = point == std::string_view::npos ? std::string_view{} : id.substr(point + 1);
  DW_TRY(const auto layout, find(mail.layout, language, turn));
  if (!layout.mail->is_layout)
    return Error{
        Code::kInvalid,
        fmt::format("template {} is no layout; its front matter needs layout: true", layout.id)};
  const auto& around = (*layout.mail).*which;
  if (!around) return inner;
  const bool html = around->text.escape == liquid::Escape::kHtml;
  auto content = html ? Datum{liquid::Markup{std::move(inner)}} : Datum{Value{std::move(inner)}};
  return render_part(*layout.mail, layout.id, *around, scene, std::move(content));
}

Result<Map> Renderer::render_with(const Mail& mail, std::string_view id, const Effect& effect,
                                  Turn& turn, const Schema* schema) {
  if (mail.is_layout || !mail.subject)
    return Error{Code::kInvalid, fmt::format("template {} is a layout, not a mail", id)};
  static const Map kNoRecords;
  const auto* records = dealwright::find(effect.payload, "records");
  const auto zone = zone_for(effect, turn);
  Scene scene{effect,
              Reader{turn, workspace_},
              records == nullptr || records->as_map() == nullptr ? kNoRecords : *records->as_map(),
              unsubscribe_url_ ? unsubscribe_url_(turn.partition(), effect) : std::string{},
              {}};
  if (zone != nullptr) scene.reader.zone = zone.get();
  const auto* recipient =
      effect.recipient.empty() ? nullptr : turn.record(parse_record_key(effect.recipient));
  if (recipient != nullptr) scene.recipient_name = name_of(*recipient);
  const bool marketing = is_marketing(effect, schema);
  if (marketing && scene.unsubscribe_url.empty()) {
    return Error{Code::kInvalid, fmt::format("template {}: marketing needs a place to unsubscribe, "
                                             "and none is configured",
                                             id)};
  }
  DW_TRY(auto subject, render_part(mail, id, *mail.subject, scene, {}));
  if (subject.size() > kSubjectBytesMax)
    return Error{Code::kInvalid, fmt::format("template {}: the subject is longer than {} bytes", id,
                                             kSubjectBytesMax)};
  DW_TRY(auto html, render_parts(mail, id, scene, turn, &Mail::html));
  DW_TRY(auto text, render_parts(mail, id, scene, turn, &Mail::text));
  if (!mail.text) text = plain_text(html);
  if (marketing) add_footer(id, scene.unsubscribe_url, html, text);
  Map out{{"subject", Value{std::move(subject)}}, {"text", Value{std::move(text)}}};
  if (!html.empty()) out.emplace_back("html", Value{std::move(html)});
  const auto asked = text_at(effect.payload, "from");
  const auto [from_name, from] = mailbox(asked.empty() ? mail.from : asked);
  if (!from.empty()) out.emplace_back("from", Value{from});
  if (!from_name.empty()) out.emplace_back("from_name", Value{from_name});
  const auto reply_to = text_at(effect.payload, "reply_to");
  if (!reply_to.empty() || !mail.reply_to.empty())
    out.emplace_back("reply_to", Value{reply_to.empty() ? mail.reply_to : reply_to});
  if (!scene.recipient_name.empty()) out.emplace_back("name", Value{scene.recipient_name});
  if (marketing) out.emplace_back("unsubscribe_url", Value{scene.unsubscribe_url});
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

// ---- to show it

Effect preview_effect(Turn& turn, std::string_view name, const RecordKey& about,
                      const std::optional<RecordKey>& to, std::string_view language,
                      std::string_view purpose) {
  Effect effect;
  effect.channel = "email";
  effect.subject = about;
  effect.requested = turn.now();
  auto recipient = to;
  const Workspace none;
  Reader reader{turn, none};
  reader.subject = about;
  if (!recipient) recipient = reader.nearest(Kind::kContact);
  if (!recipient) recipient = reader.nearest(Kind::kLead);
  effect.payload = mail_payload(turn, about, recipient);
  effect.payload.emplace_back("template", Value{name});
  effect.payload.emplace_back("purpose", Value{purpose});
  if (!language.empty()) {
    std::erase_if(effect.payload, [](const auto& entry) { return entry.first == "language"; });
    effect.payload.emplace_back("language", Value{language});
  }
  if (recipient) effect.recipient = to_text(*recipient);
  std::sort(effect.payload.begin(), effect.payload.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return effect;
}

}  // namespace dealwright::rules::mail
