// Liquid: parsed once into an immutable template, rendered many times. Two forms: a line (titles,
// notices: output and filters only, what has no value prints "(none)") and a full text (mails: the
// whole language but include, tablerow, increment, decrement, cycle, ifchanged). Values are never
// parsed as templates. Deterministic: no clock, no locale.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "rules/liquid/datum.h"
#include "rules/time/zone.h"

namespace dealwright::rules::liquid {

inline constexpr std::size_t kTextBytesMax = 64 * 1024;     // of a rendered line: it is cut
inline constexpr std::size_t kOutputBytesMax = 256 * 1024;  // of a rendered text: an error
inline constexpr std::size_t kOperationsMax = 100'000;      // of one rendering

enum class Form : std::uint8_t { kLine, kFull };
enum class Escape : std::uint8_t { kPlain, kHeader, kHtml };

struct ParseOptions {
  Form form = Form::kLine;
  // kHtml: outputs are escaped by where they stand; some places take none.
  Escape escape = Escape::kPlain;
  bool strict = false;   // what Liquid passes over is an error: junk in `when`, empty outputs
  bool renders = false;  // `render` is allowed: Environment::part() knows its templates
};

// What a template asks for: a name and the names behind it, up to the first that is computed.
struct Path {
  std::string text;  // deal.owner.name
  std::vector<std::string> words;
  std::size_t offset = 0;  // in the template's text
};
struct Body;  // ast.h
struct Template {
  std::shared_ptr<const Body> body;  // none: not parsed
  std::vector<Path> paths;           // each place that asks, in the order of the text
  Form form = Form::kLine;
  Escape escape = Escape::kPlain;
};

struct ParseError {
  std::size_t offset = 0;
  std::string message;
  std::string hint;
};
// The template, or what is wrong with it and where.
std::optional<ParseError> parse(std::string_view text, Template& out,
                                const ParseOptions& options = {});

// What filters may ask beside the value.
struct Context {
  const Zone* zone = nullptr;  // of local_date, local_time; none: UTC
  Instant now;
};
using Values = std::function<Value(std::size_t path)>;
// A line. Deterministic; cut at kTextBytesMax.
std::string render(const Template& text, const Values& values, const Context& context);

// Where a text's values come from.
class Environment {
 public:
  virtual ~Environment() = default;
  // The value at the end of the path, nil if there is none. `index`: in Template::paths.
  virtual Datum value(const Path& path, std::size_t index) = 0;
  // Of `[expression]`: a name that is computed.
  virtual Datum named(std::string_view) { return {}; }
  // Of `render`; none: there is no such template.
  virtual const Template* part(std::string_view) { return nullptr; }
};
struct RenderError {
  std::size_t offset = 0;  // in the template's text
  std::string message;
};
enum class Missing : std::uint8_t { kEmpty, kError };  // what an output without value is
// None: `out` holds the text. REQUIRES: form kFull
std::optional<RenderError> render(const Template& text, Environment& environment,
                                  const Context& context, Missing missing, std::string& out);

}  // namespace dealwright::rules::liquid
