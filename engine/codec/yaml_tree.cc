#include "engine/codec/yaml_tree.h"

#include <yaml.h>

namespace dealwright::codec {
namespace {

constexpr std::size_t kBytesMax = 256 * 1024;
constexpr int kDepthMax = 16;
constexpr std::size_t kKeysMax = 1'000;  // of one map; each is compared with those before

class Builder {
 public:
  Builder(std::string_view text, std::string_view letters, Diagnostic& found)
      : letters_{letters}, found_{found} {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~Builder() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  bool document(YamlNode& root) {
    if (!advance() || !advance()) return false;  // stream start, document start
    if (event_.type == YAML_STREAM_END_EVENT) return fail("1001", "the file is empty", "");
    if (!advance() || !node(root, 0)) return false;
    if (!advance()) return false;  // document end
    if (!advance()) return false;
    if (event_.type != YAML_STREAM_END_EVENT) {
      return fail("1002", "a second document is not taken", "one document a file");
    }
    return true;
  }

 private:
  bool advance() {
    yaml_event_delete(&event_);
    if (yaml_parser_parse(&parser_, &event_) == 1) return true;
    found_ = {static_cast<std::uint32_t>(parser_.problem_mark.line + 1),
              static_cast<std::uint32_t>(parser_.problem_mark.column + 1), letters_ + "1001",
              std::string{"not YAML: "} + (parser_.problem == nullptr ? "?" : parser_.problem),
              "put quotes around text with ': ' or ' #', or that begins with one of { [ * & ! %"};
    return false;
  }
  bool fail(const char* code, std::string text, std::string hint) {
    found_ = {static_cast<std::uint32_t>(event_.start_mark.line + 1),
              static_cast<std::uint32_t>(event_.start_mark.column + 1), letters_ + code,
              std::move(text), std::move(hint)};
    return false;
  }
  bool plain(const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (anchor != nullptr) return fail("1002", "an anchor is not taken", "write the value out");
    if (tag != nullptr) return fail("1002", "a tag is not taken", "leave out the '!'");
    return true;
  }

  // The event at hand begins the node.
  bool node(YamlNode& out, int depth) {
    out.line = static_cast<std::uint32_t>(event_.start_mark.line + 1);
    out.column = static_cast<std::uint32_t>(event_.start_mark.column + 1);
    if (depth > kDepthMax) return fail("1009", "more than 16 levels", "");
    switch (event_.type) {
      case YAML_SCALAR_EVENT: {
        const auto& scalar = event_.data.scalar;
        if (!plain(scalar.anchor, scalar.tag)) return false;
        out.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
        out.quoted = scalar.style != YAML_PLAIN_SCALAR_STYLE;
        return true;
      }
      case YAML_SEQUENCE_START_EVENT:
        out.kind = YamlNode::Kind::kList;
        return plain(event_.data.sequence_start.anchor, event_.data.sequence_start.tag) &&
               list(out, depth);
      case YAML_MAPPING_START_EVENT:
        out.kind = YamlNode::Kind::kMap;
        return plain(event_.data.mapping_start.anchor, event_.data.mapping_start.tag) &&
               map(out, depth);
      case YAML_ALIAS_EVENT:
        return fail("1002", "an alias is not taken", "write the value out");
      default:
        return fail("1001", "not YAML", "");
    }
  }
  bool list(YamlNode& out, int depth) {
    for (;;) {
      if (!advance()) return false;
      if (event_.type == YAML_SEQUENCE_END_EVENT) return true;
      if (!node(out.items.emplace_back(), depth + 1)) return false;
    }
  }
  bool map(YamlNode& out, int depth) {
    for (;;) {
      if (!advance()) return false;
      if (event_.type == YAML_MAPPING_END_EVENT) return true;
      if (event_.type != YAML_SCALAR_EVENT) return fail("1001", "a key is a word", "");
      YamlNode key;
      if (!node(key, depth + 1)) return false;
      if (key.text == "<<" && !key.quoted) return fail("1002", "a merge key is not taken", "");
      if (const auto* before = out.find(key.text)) {
        return fail("1003", "'" + key.text + "' stands here twice",
                    "the first is in line " + std::to_string(before->line));
      }
      if (out.keys.size() >= kKeysMax) return fail("1009", "more than 1000 keys in one map", "");
      out.keys.push_back(std::move(key));
      if (!advance() || !node(out.items.emplace_back(), depth + 1)) return false;
    }
  }

  yaml_parser_t parser_{};
  yaml_event_t event_{};
  std::string letters_;
  Diagnostic& found_;
};

}  // namespace

std::string to_text(const Diagnostic& diagnostic, std::string_view file) {
  std::string out{file};
  out += ':' + std::to_string(diagnostic.line) + ':' + std::to_string(diagnostic.column) +
         " error " + diagnostic.code + ' ' + diagnostic.text;
  if (!diagnostic.hint.empty()) out += "; " + diagnostic.hint;
  return out;
}

const YamlNode* YamlNode::find(std::string_view key) const {
  for (std::size_t i = 0; i < items.size() && i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

bool parse_yaml(std::string_view text, std::string_view letters, YamlNode& root,
                Diagnostic& found) {
  if (text.size() > kBytesMax) {
    found = {1, 1, std::string{letters} + "1009", "the file is larger than 256 KiB",
             "split the file"};
    return false;
  }
  return Builder{text, letters, found}.document(root);
}

}  // namespace dealwright::codec
