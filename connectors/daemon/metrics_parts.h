// Inside connectors/daemon/metrics*.cc: families of values, as they are gathered for one answer.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/daemon/lag_marks.h"
#include "connectors/daemon/metrics.h"

namespace dealwright::daemon {

using MetricLabels = std::vector<std::pair<const char*, std::string>>;

// Values read at one time, in the order in which families were first named.
class MetricPage {
 public:
  MetricPage();
  ~MetricPage();
  void counter(const char* name, const char* help, MetricLabels labels, double value);
  void gauge(const char* name, const char* help, MetricLabels labels, double value);
  // `counts`: per bucket, not summed up; one more than `bounds`.
  void histogram(const char* name, const char* help, MetricLabels labels,
                 const std::vector<double>& bounds, const std::vector<std::uint64_t>& counts,
                 double sum);
  std::string text() const;
  struct Families;
  Families& families() { return *families_; }

 private:
  std::unique_ptr<Families> families_;
};

// What is read of a workspace and its server when somebody asks. `marks`: by partition.
void read_partitions(Workspace& workspace, std::int64_t now_us,
                     std::array<LagMarks, Metrics::kPartitionsMax>& marks, MetricPage& page);
void read_automation(Workspace& workspace, MetricPage& page);
void read_server(Workspace& workspace, const http::Load& load, const http::Limits& limits,
                 MetricPage& page);

}  // namespace dealwright::daemon
