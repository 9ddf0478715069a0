#include "engine/codec/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <set>

namespace dealwright::codec {
namespace {

namespace json = boost::json;

// Builds a Value from the parser's calls. A call that returns false stops the parser; `why` says
// why.
struct Handler {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = 64 << 10;
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  struct Frame {
    bool object = false;
    Map map;
    List list;
    std::set<std::string, std::less<>> keys;  // of more than a few
    std::string key;

    // False: it stands there already.
    bool add(std::string_view next) {
      constexpr std::size_t kFew = 32;
      constexpr std::size_t kUsual = 8;
      key = next;
      if (map.empty()) map.reserve(kUsual);
      if (map.size() >= kFew) {
        for (auto at = keys.size(); at < map.size(); ++at) keys.insert(map[at].first);
        return !keys.contains(next);
      }
      return std::none_of(map.begin(), map.end(),
                          [&](const auto& entry) { return entry.first == next; });
    }
  };

  JsonLimits limits;
  std::vector<Frame> stack;
  Value result;
  std::size_t values = 0;
  std::string text;    // of a string in parts
  std::string number;  // as written
  std::string why;

  bool fail(json::error_code& ec, std::string reason) {
    why = std::move(reason);
    ec = json::error::exception;
    return false;
  }
  bool put(Value value, json::error_code& ec) {
    if (++values > limits.values) {
      return fail(ec, "more than " + std::to_string(limits.values) + " values");
    }
    if (stack.empty()) {
      result = std::move(value);
    } else if (stack.back().object) {
      stack.back().map.emplace_back(std::move(stack.back().key), std::move(value));
    } else {
      stack.back().list.push_back(std::move(value));
    }
    return true;
  }
  bool open(bool object, json::error_code& ec) {
    if (stack.size() >= limits.depth) {
      return fail(ec, "nested deeper than " + std::to_string(limits.depth));
    }
    stack.emplace_back();
    stack.back().object = object;
    return true;
  }
  bool close(json::error_code& ec) {
    auto frame = std::move(stack.back());
    stack.pop_back();
    return put(frame.object ? Value{std::move(frame.map)} : Value{std::move(frame.list)}, ec);
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code& ec) { return open(true, ec); }
  bool on_object_end(std::size_t, json::error_code& ec) { return close(ec); }
  bool on_array_begin(json::error_code& ec) { return open(false, ec); }
  bool on_array_end(std::size_t, json::error_code& ec) { return close(ec); }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& ec) {
    text.append(part.data(), part.size());
    const bool first = stack.back().add(text);
    text.clear();
    return first || fail(ec, "key \"" + stack.back().key + "\" stands there twice");
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code& ec) {
    if (text.empty()) return put(Value{std::string_view{part.data(), part.size()}}, ec);
    text.append(part.data(), part.size());
    return put(Value{std::exchange(text, {})}, ec);
  }
  bool on_number_part(json::string_view part, json::error_code& ec) {
    number.append(part.data(), part.size());
    return number.size() <= limits.number_bytes ||
           fail(ec, "a number longer than " + std::to_string(limits.number_bytes) + " characters");
  }
  bool number_done(json::string_view part, json::error_code& ec) {
    const bool good = on_number_part(part, ec);
    number.clear();
    return good;
  }
  bool on_int64(std::int64_t v, json::string_view part, json::error_code& ec) {
    return number_done(part, ec) && put(Value{v}, ec);
  }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code& ec) {
    return number_done(part, ec) && fail(ec, "an integer beyond 64 bits; quote it");
  }
  bool on_double(double v, json::string_view part, json::error_code& ec) {
    number.append(part.data(), part.size());
    const bool integral = number.find_first_of(".eE") == std::string::npos;
    const bool good = number.size() <= limits.number_bytes;
    number.clear();
    if (integral) return fail(ec, "an integer beyond 64 bits; quote it");
    return good ? put(Value{v}, ec) : fail(ec, "a number that is too long");
  }
  bool on_bool(bool v, json::error_code& ec) { return put(Value{v}, ec); }
  bool on_null(json::error_code& ec) { return put(Value{Null{}}, ec); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

}  // namespace

Result<Value> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return Error{Code::kInvalid,
                 "the JSON text is longer than " + std::to_string(limits.bytes) + " bytes"};
  }
  json::parse_options options;
  options.max_depth = limits.depth + 1;
  json::basic_parser<Handler> parser{options};
  parser.handler().limits = limits;
  json::error_code ec;
  const auto used = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && used < text.size() &&
      text.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
    ec = json::error::extra_data;
  }
  if (!ec && !parser.done()) ec = json::error::incomplete;
  if (ec) {
    const auto& why = parser.handler().why;
    return Error{Code::kInvalid, "no valid JSON at byte " + std::to_string(used) + ": " +
                                     (why.empty() ? ec.message() : why)};
  }
  return std::move(parser.handler().result);
}

}  // namespace dealwright::codec
