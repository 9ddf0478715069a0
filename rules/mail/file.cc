// From the text of a template file to its parts.
#include <fmt/core.h>

#include <algorithm>

#include "rules/file/keys.h"
#include "rules/file/test_file.h"
#include "rules/mail/mail.h"
#include "rules/yaml/tree.h"

namespace dealwright::rules::mail {
namespace {

constexpr auto kNone = std::string_view::npos;

Place place_of(std::string_view source, std::size_t offset) {
  Place out;
  for (std::size_t i = 0; i < std::min(offset, source.size()); ++i) {
    if (source[i] == '\n') {
      ++out.line;
      out.column = 1;
    } else if ((static_cast<unsigned char>(source[i]) & 0xc0) != 0x80) {
      ++out.column;
    }
  }
  return out;
}

// The line that begins at `at`, without its end.
std::string_view line_at(std::string_view source, std::size_t at) {
  auto line = source.substr(at, source.find('\n', at) - at);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  return line;
}

struct Cut {
  std::string_view front;
  std::size_t html = 0, html_end = 0;
  std::optional<std::size_t> text;
};

// Where the parts begin and end.
std::optional<Cut> cut(std::string_view source, Diagnostics& out) {
  if (line_at(source, 0) != "---") {
    out.error(1001, {}, "a template begins with a line '---' and its subject",
              "Write ---, subject: ..., --- in front of the HTML");
    return std::nullopt;
  }
  Cut cut;
  std::optional<std::size_t> front_end;
  for (auto at = source.find('\n'); at != kNone; at = source.find('\n', at)) {
    ++at;
    const auto line = line_at(source, at);
    const auto behind = std::min(source.find('\n', at), source.size() - 1) + 1;
    if (!front_end && line == "---") {
      front_end = at;
      cut.html = behind;
    } else if (front_end && !cut.text && (line == "--- text" || line == "--- text ---")) {
      cut.html_end = at;
      cut.text = behind;
    }
  }
  if (!front_end) {
    out.error(1001, {}, "the front matter is not closed", "Write a line '---' behind it");
    return std::nullopt;
  }
  if (!cut.text) cut.html_end = source.size();
  cut.front = source.substr(0, *front_end);
  return cut;
}

class FileReader {
 public:
  FileReader(std::string_view source, const MailOptions& options, Diagnostics& out)
      : source_{source}, options_{options}, out_{out} {}

  std::shared_ptr<const Mail> read() {
    const auto parts = cut(source_, out_);
    if (!parts) return nullptr;
    // As YAML of its own, on the same lines.
    std::string front{parts->front};
    front.replace(0, 3, "   ");
    yaml::Node root;
    if (!yaml::read(front, root, out_)) return nullptr;
    mail_ = std::make_shared<Mail>();
    mail_->source = source_;
    read_front(root, front);
    html(parts->html, parts->html_end);
    if (parts->text) text(*parts->text);
    if (!mail_->html && !mail_->text && !out_.has_errors())
      out_.error(5006, {}, "the template holds neither HTML nor text", "Write it behind '---'");
    return out_.has_errors() ? nullptr : mail_;
  }

 private:
  void read_front(const yaml::Node& root, std::string_view front) {
    static constexpr KeySpec kKeys[] = {{"subject"}, {"about"},    {"layout"},
                                        {"from"},    {"reply_to"}, {"samples"}};
    if (!check_keys(root, kKeys, "the front matter of a template", out_)) return;
    if (const auto* layout = root.find("layout")) {
      if (const auto* name = read_text(*layout, "layout", out_)) {
        mail_->is_layout = *name == "true";
        if (!mail_->is_layout) mail_->layout = *name;
        if (!mail_->is_layout && !is_name(*name))
          out_.error(5008, layout->at, fmt::format("'{}' is no name of a layout", *name),
                     "Name a template, or write layout: true in a layout");
      }
    }
    for (const auto& [key, into] :
         {std::pair{"from", &mail_->from}, std::pair{"reply_to", &mail_->reply_to}}) {
      const auto* node = root.find(key);
      const auto* value = node == nullptr ? nullptr : read_text(*node, key, out_);
      if (value == nullptr) continue;
      *into = *value;
      if (value->find("{{") != std::string::npos)
        out_.error(5009, node->at, fmt::format("'{}' is fixed: it holds no output", key),
                   "Addresses of senders never come from data");
    }
    if (const auto* about = root.find("about")) read_about(*about);
    read_subject(root, front);
    if (const auto* samples = root.find("samples")) read_samples(*samples);
  }

  void read_about(const yaml::Node& node) {
    const auto add = [&](const yaml::Node& name) {
      const auto kind = root_kind(name.text);
      if (kind && name.text != "owner") {
        subjects_ |= 1U << static_cast<unsigned>(*kind);
      } else {
        out_.error(2004, name.at, fmt::format("'{}' is no kind of record", name.text),
                   "Write such as about: [lead, contact]");
      }
    };
    if (node.is_scalar()) add(node);
    for (const auto& item : node.items) add(item);
  }

  CheckScope scope() const {
    CheckScope out;
    out.records.subjects = subjects_;
    for (std::size_t k = 1; subjects_ == 0 && k < kKinds; ++k) {
      const auto kind = static_cast<Kind>(k);
      if (root_kind(kind_name(kind)) && kind != Kind::kTeam) out.records.subjects |= 1U << k;
    }
    out.records.schema = options_.schema;
    out.layout = mail_->is_layout;
    out.source = source_;
    return out;
  }

  void read_subject(const yaml::Node& root, std::string_view front) {
    const auto* node = root.find("subject");
    if (node == nullptr) {
      if (!mail_->is_layout)
        out_.error(1005, root.at, "'subject' is missing", "Write subject: and a line of text");
      return;
    }
    const auto* line = read_text(*node, "subject", out_);
    if (line == nullptr) return;
    if (mail_->is_layout) out_.error(5008, node->at, "a layout has no subject", "Leave it out");
    if (line->find('\n') != std::string::npos)
      out_.error(5010, node->at, "a subject is one line", "Take the line break out");
    Part part;
    if (const auto wrong =
            liquid::parse(*line, part.text, {liquid::Form::kFull, liquid::Escape::kHeader, true})) {
      out_.error(5003, yaml::place_in(front, *node, wrong->offset), wrong->message, wrong->hint);
      return;
    }
    part.begin = front.size();  // paths are shown where the value begins
    for (std::size_t at = 0, line_no = 1; at < front.size(); ++at) {
      if (line_no == node->at.line) {
        part.begin = at + node->at.column - 1;
        break;
      }
      if (front[at] == '\n') ++line_no;
    }
    check_part(part, scope(), out_);
    mail_->subject = std::move(part);
  }

  void read_samples(const yaml::Node& node) {
    static constexpr KeySpec kKeys[] = {{"name", KeySpec::Need::kNeeded},
                                        {"about", KeySpec::Need::kNeeded},
                                        {"to"},
                                        {"language"},
                                        {"given"}};
    if (!node.is_list()) out_.error(1005, node.at, "'samples' is a list");
    for (const auto& item : node.items) {
      if (!check_keys(item, kKeys, "a sample", out_)) continue;
      auto& sample = mail_->samples.emplace_back();
      sample.at = item.at;
      if (const auto* name = item.find("name")) sample.name = name->text;
      if (const auto* language = item.find("language")) sample.language = language->text;
      const auto key = [&](const char* name) -> std::optional<RecordKey> {
        const auto* value = item.find(name);
        if (value == nullptr) return std::nullopt;
        auto found = parse_record_key(value->text);
        if (found.kind != Kind::kForeign) return found;
        out_.error(2001, value->at, fmt::format("'{}' names no record", value->text),
                   "Write such as deal/d1");
        return std::nullopt;
      };
      sample.about = key("about");
      sample.to = key("to");
      if (const auto* given = item.find("given"))
        sample.given = read_given(*given, options_.schema, out_);
    }
  }

  bool parse_part(std::size_t begin, std::size_t end, liquid::Escape escape, Part& part) {
    part.begin = begin;
    const auto text = source_.substr(begin, end - begin);
    const auto wrong = liquid::parse(text, part.text, {liquid::Form::kFull, escape, true});
    if (wrong) {
      const auto at = std::min(begin + wrong->offset, source_.size() - 1);
      out_.error(5003, place_of(source_, at), wrong->message, wrong->hint);
      return false;
    }
    check_part(part, scope(), out_);
    return true;
  }

  void html(std::size_t begin, std::size_t end) {
    const auto text = source_.substr(begin, end - begin);
    if (text.find_first_not_of(" \t\r\n") == kNone) return;
    Part part;
    if (parse_part(begin, end, liquid::Escape::kHtml, part)) mail_->html = std::move(part);
  }
  void text(std::size_t begin) {
    Part part;
    if (parse_part(begin, source_.size(), liquid::Escape::kPlain, part))
      mail_->text = std::move(part);
  }

  std::string_view source_;
  const MailOptions& options_;
  Diagnostics& out_;
  std::shared_ptr<Mail> mail_;
  std::uint32_t subjects_ = 0;
};

}  // namespace

std::uint32_t Mail::line_of(const Part& part, std::size_t offset) const {
  return place_of(source, part.begin + offset).line;
}

bool is_template_id(std::string_view id) {
  const auto point = id.find('.');
  if (!is_name(id.substr(0, point))) return false;
  if (point == kNone) return true;
  const auto language = id.substr(point + 1);
  const bool letters = std::all_of(language.begin(), language.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
  return letters && language.size() >= 2 && language.size() <= 16;
}

CompiledMail compile(std::string_view source, const MailOptions& options) {
  Diagnostics out;
  CompiledMail result;
  if (source.size() > kSourceBytesMax) {
    out.error(1009, {}, fmt::format("a template has at most {} bytes", kSourceBytesMax), {});
  } else {
    result.mail = FileReader{source, options, out}.read();
  }
  result.diagnostics = out.take();
  return result;
}

}  // namespace dealwright::rules::mail
