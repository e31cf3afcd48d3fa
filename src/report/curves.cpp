#include "report/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <span>

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

/// The numbers at the start of the run of the experts that a line has loads of: those whom the last plan
/// before it left, if they are as many.
std::vector<int> originals_at(const MetricsLine& line, int layer, const std::vector<Plan>& plans) {
  const std::size_t experts = line.expert_load.at(layer).size();
  std::vector<int> originals(experts);
  std::iota(originals.begin(), originals.end(), 0);
  for (const Plan& plan : plans) {
    if (plan.provenance.step.value_or(line.step) > line.step) continue;
    for (const LayerPlan& entry : plan.layers) {
      if (entry.layer == layer && entry.keep.size() == experts) originals = surviving_originals(entry);
    }
  }
  return originals;
}

/// A line's loads of a layer at the experts' numbers of the start.
struct PlacedLoad {
  std::size_t row = 0;
  std::vector<int> experts;
  const std::vector<double>* load = nullptr;
};

std::vector<double> mean_load(std::span<const PlacedLoad> lines, std::size_t experts) {
  std::vector<double> mean(experts, kNone);
  for (const PlacedLoad& line : lines) {
    for (std::size_t i = 0; i < line.experts.size(); ++i) {
      double& share = mean[static_cast<std::size_t>(line.experts[i])];
      share = (std::isnan(share) ? 0 : share) + (*line.load)[i] / static_cast<double>(lines.size());
    }
  }
  return mean;
}

LoadMap load_map(int layer, std::span<const PlacedLoad> lines, std::size_t bins) {
  LoadMap map{.layer = layer, .experts = 0, .last_rows = {}, .shares = {}};
  for (const PlacedLoad& line : lines) {
    for (const int expert : line.experts)
      map.experts = std::max(map.experts, static_cast<std::size_t>(expert) + 1);
  }
  const std::size_t used = std::min(bins, lines.size());
  for (std::size_t bin = 0; bin < used; ++bin) {
    const std::size_t begin = lines.size() * bin / used;
    const std::size_t end = lines.size() * (bin + 1) / used;
    map.last_rows.push_back(lines[end - 1].row);
    map.shares.push_back(mean_load(lines.subspan(begin, end - begin), map.experts));
  }
  return map;
}

}  // namespace

double target_loss(const MetricsLine& line) {
  return line.mlm_loss.value_or(line.task_loss.value_or(line.loss));
}

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
  add("loss", target_loss);
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

std::vector<LoadMap> load_maps(const std::vector<MetricsLine>& lines, std::size_t bins,
                               const std::vector<Plan>& plans) {
  std::vector<LoadMap> maps;
  for (const int layer : moe_layers(lines)) {
    std::vector<PlacedLoad> placed;
    for (std::size_t row = 0; row < lines.size(); ++row) {
      const auto found = lines[row].expert_load.find(layer);
      if (found == lines[row].expert_load.end() || found->second.empty()) continue;
      placed.push_back({row, originals_at(lines[row], layer, plans), &found->second});
    }
    if (!placed.empty()) maps.push_back(load_map(layer, placed, bins));
  }
  return maps;
}

}  // namespace espalier
