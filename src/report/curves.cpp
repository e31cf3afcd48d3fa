#include "report/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <set>

namespace espalier {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::set<int> moe_layers(const std::vector<MetricsLine>& lines) {
  std::set<int> layers;
  for (const MetricsLine& line : lines) {
    for (const auto& [layer, load] : line.expert_load) layers.insert(layer);
    for (const auto& [layer, count] : line.survivors) layers.insert(layer);
  }
  return layers;
}

double survivors_at(const MetricsLine& line, int layer) {
  const auto found = line.survivors.find(layer);
  return found == line.survivors.end() ? kNone : found->second;
}

double effective_at(const MetricsLine& line, int layer) {
  const auto found = line.expert_load.find(layer);
  return found == line.expert_load.end() ? kNone : effective_experts(found->second);
}

}  // namespace

std::vector<Curve> curves_of(const std::vector<MetricsLine>& lines) {
  std::vector<Curve> curves;
  const auto add = [&](std::string name, const std::function<double(const MetricsLine&)>& value) {
    Curve curve{std::move(name), {}};
    curve.values.reserve(lines.size());
    for (const MetricsLine& line : lines) curve.values.push_back(value(line));
    curves.push_back(std::move(curve));
  };
  using Line = const MetricsLine&;
  add("step", [](Line line) { return static_cast<double>(line.step); });
  add("tokens", [](Line line) { return static_cast<double>(line.tokens); });
  add("seconds", [](Line line) { return line.seconds; });
  add("loss", [](Line line) { return line.mlm_loss.value_or(line.loss); });
  add("valid_loss", [](Line line) { return line.valid_loss.value_or(kNone); });
  add("balance_loss", [](Line line) { return line.balance_loss.value_or(kNone); });
  add("lr", [](Line line) { return line.lr; });
  add("grad_norm", [](Line line) { return line.grad_norm.value_or(kNone); });
  add("tokens_per_second", [](Line line) { return line.tokens_per_second; });
  add("rss_bytes", [](Line line) { return static_cast<double>(line.rss_bytes); });
  for (const int layer : moe_layers(lines)) {
    add(fmt::format("effective_experts_{}", layer), [=](Line line) { return effective_at(line, layer); });
    add(fmt::format("survivors_{}", layer), [=](Line line) { return survivors_at(line, layer); });
  }
  return curves;
}

std::vector<double> moving_mean(const std::vector<double>& values, std::size_t radius) {
  std::vector<double> result;
  result.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t begin = i - std::min(i, radius);
    const std::size_t end = std::min(values.size(), i + radius + 1);
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t j = begin; j < end; ++j) {
      if (std::isnan(values[j])) continue;
      sum += values[j];
      ++count;
    }
    result.push_back(count > 0 && !std::isnan(values[i]) ? sum / static_cast<double>(count) : kNone);
  }
  return result;
}

std::size_t smoothing_radius(std::size_t values) {
  constexpr std::size_t kWindowsPerCurve = 100;
  return values / kWindowsPerCurve;
}

std::vector<std::size_t> rows_to_draw(const std::vector<Curve>& curves, std::size_t buckets) {
  const std::size_t rows = curves.empty() ? 0 : curves.front().values.size();
  std::set<std::size_t> kept;
  if (rows <= 4 * buckets) {
    for (std::size_t row = 0; row < rows; ++row) kept.insert(kept.end(), row);
    return {kept.begin(), kept.end()};
  }
  kept = {0, rows - 1};
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    const std::size_t begin = rows * bucket / buckets;
    const std::size_t end = rows * (bucket + 1) / buckets;
    for (const Curve& curve : curves) {
      std::optional<std::size_t> least, greatest;
      for (std::size_t row = begin; row < end; ++row) {
        const double value = curve.values[row];
        if (std::isnan(value)) continue;
        if (!least || value < curve.values[*least]) least = row;
        if (!greatest || value > curve.values[*greatest]) greatest = row;
      }
      if (least) kept.insert({*least, *greatest});
    }
  }
  return {kept.begin(), kept.end()};
}

double effective_experts(const std::vector<double>& shares) {
  double entropy = 0;
  for (const double share : shares) {
    if (share > 0) entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

std::vector<LoadMap> load_maps(const std::vector<MetricsLine>& lines, std::size_t bins) {
  std::vector<LoadMap> maps;
  for (const int layer : moe_layers(lines)) {
    std::vector<std::size_t> rows;  // that have the layer
    std::size_t experts = 0;
    for (std::size_t row = 0; row < lines.size(); ++row) {
      const auto found = lines[row].expert_load.find(layer);
      if (found == lines[row].expert_load.end()) continue;
      rows.push_back(row);
      experts = std::max(experts, found->second.size());
    }
    if (rows.empty() || experts == 0) continue;
    LoadMap map{.layer = layer, .experts = experts, .last_rows = {}, .shares = {}};
    const std::size_t used = std::min(bins, rows.size());
    for (std::size_t bin = 0; bin < used; ++bin) {
      const std::size_t begin = rows.size() * bin / used;
      const std::size_t end = rows.size() * (bin + 1) / used;
      std::vector<double> mean(experts, 0.0);
      for (std::size_t i = begin; i < end; ++i) {
        const auto& load = lines[rows[i]].expert_load.at(layer);
        for (std::size_t e = 0; e < load.size(); ++e) mean[e] += load[e] / static_cast<double>(end - begin);
      }
      map.last_rows.push_back(rows[end - 1]);
      map.shares.push_back(std::move(mean));
    }
    maps.push_back(std::move(map));
  }
  return maps;
}

}  // namespace espalier
