// A server that a command asks instead of opening the data directory: the same API that everybody
// else uses.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/ports/view.h"

namespace dealwright::cli {

// `path?a=b`, each value escaped; pairs with an empty value are left out.
std::string with_query(std::string path,
                       const std::vector<std::pair<std::string, std::string>>& query);
// One segment of a path.
std::string escaped(std::string_view text);

// One thread.
class Remote {
 public:
  // `url`: http://host:port, nothing behind it; `ca_file` may be empty.
  Remote(std::string url, std::string key, std::string ca_file)
      : url_{std::move(url)}, key_{std::move(key)}, ca_file_{std::move(ca_file)} {}

  // Rows of a list that comes in one piece, or page by page up to `limit` (0: all); columns in the
  // server's order.
  // kClosed: nobody answers there. Else what the server said: kInvalid, kNotFound, kRefused ...
  Result<ViewRows> rows(const std::string& path) const;
  Result<ViewRows> pages(const std::string& path, std::size_t limit, bool* more = nullptr) const;
  Result<Value> get(const std::string& path) const;
  Result<std::string> text(const std::string& path, const std::string& accept) const;
  Result<Value> post(const std::string& path, const std::string& type = {},
                     const std::string& body = {}) const;
  Result<Value> put(const std::string& path, const std::string& type, const std::string& body,
                    const std::string& if_match) const;

  // Each message of a stream of server-sent events as it comes. A stream that breaks off is asked
  // for again, behind the last one. kClosed: nobody answered at first.
  using Take = std::function<void(std::string_view name, std::string_view data)>;
  Result<void> follow(const std::string& path, const Take& take) const;

 private:
  struct Asked;
  struct Prepared;
  struct Answer;
  Prepared prepare(const Asked& asked) const;
  Error nobody_there(const Prepared& prepared, int done) const;
  Result<Answer> ask(const Asked& asked) const;
  Result<Value> value(const Asked& asked) const;
  // Appends a page to `out`; the next one's path, "" if there is none.
  Result<std::string> page(const std::string& path, ViewRows& out) const;

  const std::string url_;
  const std::string key_;
  const std::string ca_file_;
};

}  // namespace dealwright::cli
