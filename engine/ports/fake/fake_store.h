// A Store in memory that can crash and fail.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports/store.h"

namespace dealwright {

// Thread-safe. A visit of scan() may read the store; it must not write it.
class FakeStore final : public Store {
 public:
  Result<std::optional<std::string>> get(std::string_view key) const override;
  using Store::write;
  Result<void> write(std::span<const StoreEntry> batch) override;
  Result<void> scan(
      std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& visit) const override;
  Result<void> erase_range(std::string_view from, std::string_view to) override;
  Result<void> flush() override;
  std::uint64_t approximate_bytes() const override;

  // Back to the last flush and the first `keep_writes` writes behind it, as after a kill; a store
  // that refused everything takes writes again.
  void crash(std::size_t keep_writes = 0);
  std::size_t unflushed_writes() const;

  // The n-th write, erase or flush from now on (1 is the next) fails with `code`, and everything
  // behind it until crash().
  void fail_write(std::uint64_t n, Code code);
  std::uint64_t writes() const;
  // Keys and values together may have so many bytes; past it kNoSpace.
  void set_capacity(std::uint64_t bytes);

  std::map<std::string, std::string> contents() const;

 private:
  using Undo = std::vector<StoreWrite>;  // what stood there before
  Result<void> admit();
  void put(const std::string& key, std::optional<std::string> value, Undo& undo);

  mutable std::recursive_mutex mutex_;
  mutable int scans_ = 0;
  std::map<std::string, std::string, std::less<>> entries_;
  std::vector<Undo> unflushed_;
  std::uint64_t bytes_ = 0;
  std::uint64_t capacity_ = std::uint64_t{1} << 40;
  std::uint64_t writes_ = 0;
  std::uint64_t fail_at_ = 0;
  Code fail_code_ = Code::kIo;
  std::optional<Error> failed_;
};

}  // namespace dealwright
