#include <fmt/core.h>
#include <yaml.h>

#include <algorithm>

#include "rules/yaml/tree.h"

namespace dealwright::rules::yaml {
namespace {

Place place_of(const yaml_mark_t& mark) {
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

std::string_view text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text);
}

// libyaml's events, one at a time, owned.
class Events {
 public:
  explicit Events(std::string_view source) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(source.data()),
                                 source.size());
  }
  ~Events() {
    if (held_) yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  const yaml_event_t* next() {  // none: not YAML
    if (held_) yaml_event_delete(&event_);
    held_ = yaml_parser_parse(&parser_, &event_) == 1;
    return held_ ? &event_ : nullptr;
  }
  const yaml_parser_t& parser() const { return parser_; }

 private:
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool held_ = false;
};

class Reader {
 public:
  Reader(std::string_view source, Diagnostics& out) : source_{source}, events_{source}, out_{out} {}

  bool read(Node& root) {
    if (!expect(YAML_STREAM_START_EVENT)) return false;
    const auto* event = next();
    if (event == nullptr) return false;
    if (event->type == YAML_STREAM_END_EVENT) {
      out_.error(1001, {}, "the file is empty", "A rule begins with 'rule: its-id'");
      return false;
    }
    if (event->data.document_start.version_directive != nullptr ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end) {
      out_.error(1002, place_of(event->start_mark), "a directive is not part of a rule file");
      return false;
    }
    if ((event = next()) == nullptr || !node(*event, root, 1)) return false;
    if (!expect(YAML_DOCUMENT_END_EVENT)) return false;
    if ((event = next()) == nullptr) return false;
    if (event->type != YAML_STREAM_END_EVENT) {
      out_.error(1002, place_of(event->start_mark), "a second document", "One file holds one rule");
      return false;
    }
    if (!root.is_map()) {
      out_.error(1001, root.at, "a rule file is a map of keys", "Begin with 'rule: its-id'");
      return false;
    }
    return !failed_;
  }

 private:
  const yaml_event_t* next() {
    const auto* event = events_.next();
    if (event == nullptr) syntax_error();
    return event;
  }
  bool expect(yaml_event_type_t type) {
    const auto* event = next();
    return event != nullptr && event->type == type;
  }

  // A plain value with `: ` inside is the usual cause: name it instead of libyaml's words.
  void syntax_error() {
    const auto& parser = events_.parser();
    const auto at = place_of(parser.problem_mark);
    const std::string problem = parser.problem == nullptr ? "not YAML" : parser.problem;
    if (problem.find("mapping values are not allowed") != std::string::npos) {
      out_.error(1007, at, "YAML cuts this value at ': '",
                 "Put the value in quotes, or below '>-'");
      return;
    }
    if (parser.error == YAML_READER_ERROR) {
      out_.error(1001, at, "not UTF-8: " + problem, "Save the file as UTF-8");
      return;
    }
    out_.error(1001, at, "not YAML: " + problem, hint_of(problem));
  }

  static std::string hint_of(std::string_view problem) {
    static constexpr std::pair<std::string_view, std::string_view> kHints[] = {
        {"cannot start any token", "Indent with blanks, and quote a text that begins with a sign"},
        {"',' or '}'", "Close the brace, and quote what holds , [ ] { or } inside of it"},
        {"',' or ']'", "Close the bracket, and quote what holds , [ ] { or } inside of it"},
        {"expected key", "Keys of one map begin at the same column, and so do entries of a list"},
        {"'-' indicator", "Entries of one list begin at the same column"},
        {"end of stream", "A quote or a bracket is left open"},
        {"unexpected document", "A quote or a bracket is left open"}};
    for (const auto& [words, hint] : kHints) {
      if (problem.find(words) != std::string_view::npos) return std::string{hint};
    }
    return {};
  }

  bool node(const yaml_event_t& event, Node& out, int depth) {
    out.at = place_of(event.start_mark);
    if (depth > kDepthMax) {
      out_.error(1009, out.at, fmt::format("more than {} levels", kDepthMax));
      return false;
    }
    switch (event.type) {
      case YAML_ALIAS_EVENT:
        out_.error(1002, out.at, "an alias is not part of a rule file", "Write the value again");
        return false;
      case YAML_SCALAR_EVENT:
        return scalar(event, out);
      case YAML_SEQUENCE_START_EVENT: {
        const auto& s = event.data.sequence_start;
        return plain(s.anchor, s.tag, out.at) && list(out, depth);
      }
      case YAML_MAPPING_START_EVENT: {
        const auto& m = event.data.mapping_start;
        return plain(m.anchor, m.tag, out.at) && map(out, depth);
      }
      default:
        return false;
    }
  }

  bool plain(const yaml_char_t* anchor, const yaml_char_t* tag, Place at) {
    if (anchor == nullptr && tag == nullptr) return true;
    constexpr std::string_view kCore = "tag:yaml.org,2002:";  // written as !!
    auto shown = std::string{text_of(tag)};
    if (shown.starts_with(kCore)) shown.replace(0, kCore.size(), "!!");
    out_.error(1002, at,
               fmt::format("{} is not part of a rule file",
                           anchor != nullptr ? fmt::format("the anchor '&{}'", text_of(anchor))
                                             : fmt::format("the tag '{}'", shown)),
               anchor != nullptr ? "Write the value again where it is needed"
                                 : "The key gives a value its type");
    return false;
  }

  bool scalar(const yaml_event_t& event, Node& out) {
    const auto& s = event.data.scalar;
    if (!plain(s.anchor, s.tag, out.at)) return false;
    out.kind = Node::Kind::kScalar;
    out.quoted = s.style != YAML_PLAIN_SCALAR_STYLE;
    out.text.assign(reinterpret_cast<const char*>(s.value), s.length);
    if (out.text.find('\0') != std::string::npos) {
      out_.error(1001, out.at, "a zero byte");
      return false;
    }
    return true;
  }

  bool list(Node& out, int depth) {
    out.kind = Node::Kind::kList;
    for (;;) {
      const auto* event = next();
      if (event == nullptr) return false;
      if (event->type == YAML_SEQUENCE_END_EVENT) return true;
      if (!node(*event, out.items.emplace_back(), depth + 1)) return false;
      refuse_empty(out.items.back(), {}, "an entry of this list");
    }
  }

  bool map(Node& out, int depth) {
    out.kind = Node::Kind::kMap;
    for (;;) {
      const auto* event = next();
      if (event == nullptr) return false;
      if (event->type == YAML_MAPPING_END_EVENT) return true;
      Node key;
      if (!node(*event, key, depth + 1)) return false;
      if (!key.is_scalar() || key.text.empty()) {
        out_.error(1001, key.at, "a key is a word");
        return false;
      }
      if (key.text == "<<" && !key.quoted) {
        out_.error(1002, key.at, "a merge key is not part of a rule file", "Write the keys again");
        return false;
      }
      if (const auto* before = out.entry(key.text)) {
        out_.error(1003, key.at, fmt::format("'{}' stands twice", key.text),
                   fmt::format("The first one is in line {}", before->at.line));
        failed_ = true;
      }
      if ((event = next()) == nullptr) return false;
      Entry entry{std::move(key.text), key.at, {}};
      if (!node(*event, entry.value, depth + 1)) return false;
      refuse_empty(entry.value, entry, fmt::format("'{}'", entry.key));
      out.entries.push_back(std::move(entry));
    }
  }

  void refuse_empty(const Node& value, const Entry& entry, const std::string& what) {
    if (!value.is_scalar() || value.quoted || !value.text.empty()) return;
    failed_ = true;
    if (entry.key.find_first_of(" &|=<>()") != std::string::npos) {  // what stood behind a comma
      out_.error(1007, entry.at, fmt::format("YAML cut a value: {} stands as a key", what),
                 "Put the value in quotes");
      return;
    }
    out_.error(1005, value.at, fmt::format("{} has no value", what),
               "Leave the key out, or write \"\" for an empty text");
  }

  std::string_view source_;
  Events events_;
  Diagnostics& out_;
  bool failed_ = false;
};

// The byte at which a place stands.
std::size_t byte_at(std::string_view source, Place at) {
  std::size_t p = 0;
  for (std::uint32_t line = 1; line < at.line; ++line) {
    const auto end = source.find('\n', p);
    if (end == std::string_view::npos) return source.size();
    p = end + 1;
  }
  for (std::uint32_t column = 1; column < at.column && p < source.size(); ++column) {
    do ++p;
    while (p < source.size() && (static_cast<unsigned char>(source[p]) & 0xc0) == 0x80);
  }
  return p;
}

bool blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

}  // namespace

const Entry* Node::entry(std::string_view key) const {
  const auto it =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.key == key; });
  return it == entries.end() ? nullptr : &*it;
}
const Node* Node::find(std::string_view key) const {
  const auto* found = entry(key);
  return found == nullptr ? nullptr : &found->value;
}

bool read(std::string_view source, Node& root, Diagnostics& out) {
  if (source.size() > kBytesMax) {
    out.error(1009, {},
              fmt::format("the file has {} bytes, at most {} are read", source.size(), kBytesMax));
    return false;
  }
  Reader reader{source, out};
  return reader.read(root);
}

Place place_in(std::string_view source, const Node& scalar, std::size_t offset) {
  auto p = byte_at(source, scalar.at);
  Place at = scalar.at;
  const auto step = [&] {
    if (source[p] == '\n') {
      ++at.line;
      at.column = 1;
    } else if ((static_cast<unsigned char>(source[p]) & 0xc0) != 0x80) {
      ++at.column;
    }
    ++p;
  };
  if (p < source.size() && (source[p] == '>' || source[p] == '|') && scalar.quoted) {
    while (p < source.size() && source[p] != '\n') step();
  } else if (scalar.quoted && p < source.size()) {
    step();  // the quote
  }
  const auto end = std::min(offset, scalar.text.size());
  for (std::size_t i = 0; i <= end && p < source.size(); ++i) {
    if (i == scalar.text.size()) break;
    const char c = scalar.text[i];
    // Blanks of the text may stand for a fold; blanks of the source may be indentation.
    while (p < source.size() && source[p] != c && blank(source[p]) && !blank(c)) step();
    while (i < end && p < source.size() && source[p] != c && source[p] == '\\') step();
    if (i == end) break;
    if (p < source.size()) step();
  }
  return at;
}

}  // namespace dealwright::rules::yaml
