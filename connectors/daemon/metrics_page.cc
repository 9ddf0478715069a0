#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "connectors/daemon/metrics_parts.h"

namespace dealwright::daemon {

struct MetricPage::Families {
  std::vector<prometheus::MetricFamily> list;

  prometheus::ClientMetric& add(const char* name, const char* help, prometheus::MetricType type,
                                MetricLabels labels) {
    auto family = std::find_if(list.begin(), list.end(),
                               [&](const auto& known) { return known.name == name; });
    if (family == list.end()) {
      list.push_back({name, help, type, {}});
      family = std::prev(list.end());
    }
    auto& metric = family->metric.emplace_back();
    for (auto& [label, value] : labels) metric.label.push_back({label, std::move(value)});
    return metric;
  }
};

MetricPage::MetricPage() : families_{std::make_unique<Families>()} {}
MetricPage::~MetricPage() = default;

void MetricPage::counter(const char* name, const char* help, MetricLabels labels, double value) {
  families_->add(name, help, prometheus::MetricType::Counter, std::move(labels)).counter.value =
      value;
}

void MetricPage::gauge(const char* name, const char* help, MetricLabels labels, double value) {
  families_->add(name, help, prometheus::MetricType::Gauge, std::move(labels)).gauge.value = value;
}

void MetricPage::histogram(const char* name, const char* help, MetricLabels labels,
                           const std::vector<double>& bounds,
                           const std::vector<std::uint64_t>& counts, double sum) {
  auto& out =
      families_->add(name, help, prometheus::MetricType::Histogram, std::move(labels)).histogram;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    out.sample_count += counts[i];
    const bool last = i == bounds.size();
    out.bucket.push_back(
        {out.sample_count, last ? std::numeric_limits<double>::infinity() : bounds[i]});
  }
  out.sample_sum = sum;
}

std::string MetricPage::text() const {
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(out, families_->list);
  return out.str();
}

}  // namespace dealwright::daemon
