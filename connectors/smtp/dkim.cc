#include "connectors/smtp/dkim.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/types.h>  // u_char, which dkim.h uses

#include <memory>

// dkim.h is written in C.
#define _Bool bool
#include <opendkim/dkim.h>
#undef _Bool

#include "connectors/smtp/address.h"

namespace dealwright::smtp {
namespace {

constexpr int kRsaBitsMin = 2048;

// What is signed where it is there, and what nobody may add: the listed headers are signed once
// more than they occur, so that a second From or Subject breaks the signature.
const char* const kSigned[] = {"from",
                               "to",
                               "reply-to",
                               "subject",
                               "date",
                               "message-id",
                               "mime-version",
                               "content-type",
                               "content-transfer-encoding",
                               "list-unsubscribe",
                               "list-unsubscribe-post",
                               "auto-submitted",
                               nullptr};
const char* const kOversigned[] = {"from",
                                   "to",
                                   "reply-to",
                                   "subject",
                                   "date",
                                   "message-id",
                                   "content-type",
                                   "list-unsubscribe",
                                   "list-unsubscribe-post",
                                   nullptr};

struct CloseLib {
  void operator()(DKIM_LIB* lib) const { dkim_close(lib); }
};
struct FreeDkim {
  void operator()(DKIM* dkim) const { dkim_free(dkim); }
};
// A handle of its own for each signature: its fixed time is an option of the library handle.
using Lib = std::unique_ptr<DKIM_LIB, CloseLib>;
using Handle = std::unique_ptr<DKIM, FreeDkim>;

unsigned char* bytes(const char* text) {
  return const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(text));
}

Error failed(const DkimKey& key, std::string_view what, DKIM_STAT status) {
  return Error{Code::kInvalid,
               fmt::format("DKIM key {}: {}: {}", key.selector, what, dkim_getresultstr(status))};
}

Result<Lib> open_lib(Instant at) {
  Lib lib{dkim_init(nullptr, nullptr)};
  if (!lib) return Error{Code::kIo, "libopendkim gave no handle"};
  auto seconds = static_cast<std::uint64_t>(at.ms / 1000);
  auto set = [&](dkim_opts_t option, const void* value, std::size_t size) {
    return dkim_options(lib.get(), DKIM_OP_SETOPT, option, const_cast<void*>(value), size) ==
           DKIM_STAT_OK;
  };
  const bool all = set(DKIM_OPTS_FIXEDTIME, &seconds, sizeof seconds) &&
                   set(DKIM_OPTS_SIGNHDRS, kSigned, sizeof(char**)) &&
                   set(DKIM_OPTS_OVERSIGNHDRS, kOversigned, sizeof(char**));
  if (!all) return Error{Code::kUnsupported, "libopendkim takes no list of headers or no time"};
  return lib;
}

struct Parts {
  std::vector<std::string_view> headers;  // each with its folded lines, without its last CRLF
  std::string_view body;
};

Result<Parts> parts_of(std::string_view message) {
  Parts out;
  for (std::size_t from = 0; from < message.size();) {
    if (message.substr(from).starts_with("\r\n")) {
      out.body = message.substr(from + 2);
      return out;
    }
    auto to = message.find("\r\n", from);
    while (to != std::string_view::npos && to + 2 < message.size() &&
           (message[to + 2] == ' ' || message[to + 2] == '\t'))
      to = message.find("\r\n", to + 2);
    if (to == std::string_view::npos) break;
    out.headers.push_back(message.substr(from, to - from));
    from = to + 2;
  }
  return Error{Code::kInvalid, "a mail without a blank line behind its headers"};
}

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

}  // namespace

Result<DkimSigner::Key> DkimSigner::checked(DkimKey key) {
  const auto fail = [&](std::string_view why) {
    return Error{Code::kInvalid, fmt::format("DKIM key {}: {}", key.selector, why)};
  };
  if (!check_domain(key.selector + ".x"))
    return fail("a selector is made of letters, digits, hyphens and dots");
  const std::unique_ptr<BIO, FreeBio> bio{
      BIO_new_mem_buf(key.pem.data(), static_cast<int>(key.pem.size()))};
  // Without a pass phrase; a call-back of nothing, else it would ask on the terminal.
  const auto no_phrase = [](char*, int, int, void*) { return 0; };
  const std::unique_ptr<EVP_PKEY, FreeKey> read{
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_phrase, nullptr)};
  if (!read) return fail("no private key in PEM form without a pass phrase");
  const auto kind = EVP_PKEY_get_base_id(read.get());
  if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_ED25519)
    return fail("it is neither an RSA nor an Ed25519 key");
  const bool rsa = kind == EVP_PKEY_RSA;
  if (rsa && EVP_PKEY_get_bits(read.get()) < kRsaBitsMin)
    return fail("an RSA key has at least 2048 bits");
  return Key{{std::move(key)}, rsa};
}

Result<DkimSigner> DkimSigner::make(std::string domain, std::vector<DkimKey> keys) {
  DW_TRY(check_domain(domain));
  if (keys.empty()) return Error{Code::kInvalid, "DKIM: no key is given"};
  DkimSigner out{std::move(domain)};
  for (auto& given : keys) {
    DW_TRY(auto key, checked(std::move(given)));
    DW_TRY(out.signature(key, "From: a@" + out.domain_ + "\r\n\r\nx\r\n", Instant{0}));
    out.keys_.push_back(std::move(key));
  }
  return out;
}

Result<std::string> DkimSigner::signature(const Key& key, std::string_view message,
                                          Instant at) const {
  DW_TRY(const auto parts, parts_of(message));
  DW_TRY(const auto lib, open_lib(at));
  if (!key.rsa && !dkim_libfeature(lib.get(), DKIM_FEATURE_ED25519))
    return Error{Code::kUnsupported,
                 fmt::format("DKIM key {}: this libopendkim does not know Ed25519", key.selector)};
  DKIM_STAT status = DKIM_STAT_OK;
  const Handle dkim{dkim_sign(
      lib.get(), bytes("dealwright"), nullptr, bytes(key.pem.c_str()), bytes(key.selector.c_str()),
      bytes(domain_.c_str()), DKIM_CANON_RELAXED, DKIM_CANON_RELAXED,
      key.rsa ? DKIM_SIGN_RSASHA256 : DKIM_SIGN_ED25519SHA256, -1, &status)};
  if (!dkim) return failed(key, "it cannot sign", status);
  for (const auto header : parts.headers) {
    status = dkim_header(dkim.get(), bytes(header.data()), header.size());
    if (status != DKIM_STAT_OK) return failed(key, "a header is refused", status);
  }
  if (status = dkim_eoh(dkim.get()); status != DKIM_STAT_OK)
    return failed(key, "the headers are refused", status);
  if (!parts.body.empty()) {
    status = dkim_body(dkim.get(), bytes(parts.body.data()), parts.body.size());
    if (status != DKIM_STAT_OK) return failed(key, "the body is refused", status);
  }
  if (status = dkim_eom(dkim.get(), nullptr); status != DKIM_STAT_OK)
    return failed(key, "it cannot sign", status);
  unsigned char* value = nullptr;
  std::size_t size = 0;
  status = dkim_getsighdr_d(dkim.get(), sizeof "DKIM-Signature: " - 1, &value, &size);
  if (status != DKIM_STAT_OK) return failed(key, "it gave no signature", status);
  // The library ends lines as it likes.
  std::string out = "DKIM-Signature: ";
  for (const char c : std::string_view{reinterpret_cast<const char*>(value), size}) {
    if (c == '\r') continue;
    if (c == '\n') out.push_back('\r');
    out.push_back(c);
  }
  return out + "\r\n";
}

Result<std::string> DkimSigner::sign(std::string_view message, Instant at) const {
  std::string out;
  for (const auto& key : keys_) {
    DW_TRY(const auto header, signature(key, message, at));
    out += header;
  }
  return out.append(message);
}

}  // namespace dealwright::smtp
