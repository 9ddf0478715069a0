// DKIM signatures (RFC 6376, RFC 8463): relaxed/relaxed over the headers that we write and the
// body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace dealwright::smtp {

struct DkimKey {
  std::string selector;  // the public key stands at <selector>._domainkey.<domain>
  std::string pem;       // the private key: RSA of at least 2048 bits, or Ed25519
};

// Signs for one domain. Thread-safe: nothing in it changes.
class DkimSigner {
 public:
  // Signs once with each key on trial. kInvalid names the selector: a key that cannot be read, is
  // of another kind or too short. kUnsupported: this libopendkim does not know the algorithm.
  static Result<DkimSigner> make(std::string domain, std::vector<DkimKey> keys);

  // `message` with a DKIM-Signature per key in front. The time in them is `at`, so that the same
  // message gives the same bytes. REQUIRES: lines end with CRLF.
  Result<std::string> sign(std::string_view message, Instant at) const;

 private:
  struct Key : DkimKey {
    bool rsa = false;
  };
  explicit DkimSigner(std::string domain) : domain_{std::move(domain)} {}
  static Result<Key> checked(DkimKey key);
  Result<std::string> signature(const Key& key, std::string_view message, Instant at) const;

  std::string domain_;
  std::vector<Key> keys_;
};

}  // namespace dealwright::smtp
