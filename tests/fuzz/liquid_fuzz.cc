// Templates: any text parses or says where it does not; what parses renders, in any form, within
// its limits. In HTML a value never becomes a tag.
#include <cstdlib>

#include "rules/liquid/template.h"
#include "rules/mail/mail.h"
#include "rules/mail/plain.h"
#include "tests/fuzz/fuzz.h"

namespace {

namespace liquid = dealwright::rules::liquid;
using dealwright::List;
using dealwright::Map;
using dealwright::Value;

class Given : public liquid::Environment {
 public:
  liquid::Datum value(const liquid::Path& path, std::size_t) override {
    const auto& name = path.words[0];
    if (name == "n") return Value{3};
    if (name == "d") return Value{2.5};
    if (name == "l") return Value{List{Value{1}, Value{"<zqx>"}, Value{}}};
    if (name == "m") return Value{Map{{"a", Value{"<zqx>"}}, {"b", Value{2}}}};
    if (name == "none") return {};
    return Value{"<zqx a='\">&"};
  }
  liquid::Datum named(std::string_view) override { return Value{"<zqx>"}; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = dealwright::fuzz::text_of(data, size);
  Given given;
  for (const auto escape :
       {liquid::Escape::kPlain, liquid::Escape::kHeader, liquid::Escape::kHtml}) {
    for (const bool strict : {false, true}) {
      liquid::Template parsed;
      if (liquid::parse(text, parsed, {liquid::Form::kFull, escape, strict})) continue;
      std::string out;
      const auto missing = strict ? liquid::Missing::kError : liquid::Missing::kEmpty;
      if (liquid::render(parsed, given, {}, missing, out)) continue;
      if (out.size() > liquid::kOutputBytesMax) std::abort();
      const bool literal = text.find("zqx") != std::string_view::npos ||
                           text.find("raw") != std::string_view::npos ||
                           text.find("decode") != std::string_view::npos;
      if (escape == liquid::Escape::kHtml && !literal && out.find("<zqx") != std::string::npos)
        std::abort();
      static_cast<void>(dealwright::rules::mail::plain_text(out));
    }
  }
  liquid::Template line;
  if (!liquid::parse(text, line)) {
    const auto value = [](std::size_t) { return Value{"v"}; };
    if (liquid::render(line, value, {}).size() > liquid::kTextBytesMax) std::abort();
  }
  static_cast<void>(dealwright::rules::mail::compile(text));
  return 0;
}
