// Rules, schema and templates of the sample, as they stand in deploy/.
#pragma once

#include <span>
#include <string_view>

namespace dealwright::sample {

struct OpsFile {
  std::string_view name;  // offer-silence.rule.yaml, custom.schema.yaml, offer-nudge.liquid
  std::string_view text;
};
// Sorted by kind of file, then by name.
std::span<const OpsFile> ops_files();

}  // namespace dealwright::sample
