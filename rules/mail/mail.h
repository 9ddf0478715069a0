// A mail template: front matter, HTML, text (docs/templates.md).
//
//   ---                      YAML between two such lines: subject (Liquid), about, layout, from,
//   subject: Your offer      reply_to, samples; or `layout: true` in a layout
//   about: offer
//   ---
//   <p>Hello {{ contact.name | default: "there" }}</p>
//   --- text ---             may be left out: then the text is made from the HTML
//   Hello {{ contact.name | default: "there" }}
//
// Its id is NAME or NAME.LANGUAGE, as its file is called without `.liquid`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/schema.h"
#include "rules/check/diagnostic.h"
#include "rules/liquid/template.h"
#include "rules/plan/path.h"
#include "rules/plan/plan.h"

namespace dealwright::rules::mail {

inline constexpr std::size_t kSourceBytesMax = 192 * 1024;
inline constexpr std::size_t kSubjectBytesMax = 512;  // rendered

// Where the value of one path comes from.
struct Source {
  enum class What : std::uint8_t {
    kNone,  // the template's own name
    kRecord,
    kUnsubscribe,  // unsubscribe_url
    kContent,      // of a layout: the mail
    kName,         // recipient.name
    kAddress,
    kLanguage
  };
  What what = What::kNone;
  PathSpec path;                  // of kRecord
  std::vector<std::string> rest;  // behind it: size, first, last
};

struct Part {
  liquid::Template text;
  std::vector<Source> sources;  // as text.paths
  std::size_t begin = 0;        // of it in the source
};

// Whom a sample mail is about, and what there is.
struct Sample {
  std::string name;
  Place at;
  std::optional<RecordKey> about;
  std::optional<RecordKey> to;
  std::string language;
  std::vector<TestRecord> given;
};

// Immutable.
struct Mail {
  std::string source;
  bool is_layout = false;
  std::string layout;  // "": none
  std::string from;    // Name <address>; "": the step's, else the channel's
  std::string reply_to;
  std::optional<Part> subject;
  std::optional<Part> html;
  std::optional<Part> text;
  std::vector<Sample> samples;
  // 1-based, of a byte of the part.
  std::uint32_t line_of(const Part& part, std::size_t offset) const;
};

struct MailOptions {
  const Schema* schema = nullptr;  // none: custom fields are dynamic
};
struct CompiledMail {
  std::shared_ptr<const Mail> mail;  // none: there are errors
  std::vector<Diagnostic> diagnostics;
};
// Pure. Codes: 1001-1009 of the front matter, 5003-5010 of templates.
CompiledMail compile(std::string_view source, const MailOptions& options = {});

// [a-z][a-z0-9-]{0,63}, and behind a point a language: de, de-AT.
bool is_template_id(std::string_view id);

// Inside mail/: resolves what a part asks for, and reports what is unknown (5003), what may be
// absent (5004) and what is printed raw (5005).
struct CheckScope {
  ScopeSpec records;
  bool layout = false;
  std::string_view source;
};
void check_part(Part& part, const CheckScope& scope, Diagnostics& out);

}  // namespace dealwright::rules::mail
