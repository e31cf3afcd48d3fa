#include "observe/every_expert_observer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/rng.h"
#include "kernels/gemm.h"
#include "kernels/simd/kernels.h"

namespace espalier {
namespace {

constexpr std::int64_t kTileFloats = std::int64_t{1} << 27;  // of all experts' outputs
constexpr std::int64_t kChunkRows = 512;  // that an expert computes at a time, as in infer/experts
constexpr std::int64_t kProductFloats = std::int64_t{1} << 15;  // summed in float32 before they join float64

/// [D, R] normal, of variance 1 / R, so that products keep their expectation.
Buffer<float> random_projection(std::int64_t D, std::int64_t R, std::uint64_t seed) {
  Buffer<float> projection(D * R);
  Rng rng(seed, 0x50726f6a);
  float* values = projection.data();
  const double deviation = 1 / std::sqrt(static_cast<double>(R));
  for (std::int64_t i = 0; i < D * R; ++i) values[i] = static_cast<float>(deviation * rng.normal());
  return projection;
}

std::int64_t projected_width(const SimilarityOptions& options, std::int64_t E, std::int64_t D) {
  if (!options.cross_moments) return 0;
  return std::min(D, options.projected.value_or(std::max<std::int64_t>(1, kMomentFloats / E)));
}

}  // namespace

EveryExpert every_expert(const infer::DecoderMoe& moe) {
  const auto D = moe.experts.front().width();
  const auto run = [&moe, D](std::int64_t e, std::span<const std::int32_t> rows, const float* x, float* out) {
    infer::FfnBuffers buffers;
    infer::FfnScratch scratch;
    const infer::ReadyFfn ready = read(moe.experts[static_cast<std::size_t>(e)], buffers);
    const auto count = static_cast<std::int64_t>(rows.size());
    for (std::int64_t begin = 0; begin < count; begin += kChunkRows) {
      const std::int64_t chunk = std::min(kChunkRows, count - begin);
      const float* y = infer::run(ready, chunk, x, rows.data() + begin, scratch);
      std::memcpy(out + begin * D, y, static_cast<std::size_t>(chunk * D) * sizeof(float));
    }
  };
  return {static_cast<std::int64_t>(moe.experts.size()), D, run};
}

EveryExpert every_expert(const infer::EncoderMoe& moe) {
  const auto D = moe.experts.front().width();
  const auto run = [&moe, D](std::int64_t e, std::span<const std::int32_t> rows, const float* x, float* out) {
    const auto count = static_cast<std::int32_t>(rows.size());
    Buffer<float> gathered(count * D);
    simd::kernels().gather_rows(x, rows.data(), count, D, gathered.data());
    const std::array<std::int32_t, 2> offsets{0, count};
    infer::run(std::span(moe.experts).subspan(static_cast<std::size_t>(e), 1), offsets, gathered.data(), out);
  };
  return {static_cast<std::int64_t>(moe.experts.size()), D, run};
}

EveryExpertObserver::EveryExpertObserver(EveryExpert experts, std::int64_t layer, std::int64_t all,
                                         const SimilarityOptions& options)
    : every_(std::move(experts)),
      layer_(layer),
      all_(all),
      wanted_(std::min(all, options.tokens.value_or(all))),
      options_(options),
      experts_(every_.experts),
      width_(every_.width),
      tile_rows_(
          std::clamp<std::int64_t>(kTileFloats / (experts_ * width_), 1, std::max<std::int64_t>(1, wanted_))),
      outputs_(experts_ * tile_rows_ * width_) {
  const std::int64_t R = projected_width(options, experts_, width_);
  moments_.projected = static_cast<std::size_t>(R);
  moments_.seed = options.seed;
  moments_.resize(static_cast<std::size_t>(experts_), static_cast<std::size_t>(width_));
  if (R == 0) return;
  if (R < width_) projection_ = random_projection(width_, R, options.seed);
  projected_ = Buffer<float>(tile_rows_ * experts_ * R);
}

void EveryExpertObserver::add(std::int64_t N, const float* x, const infer::RoutingView* routing) {
  std::vector<std::int32_t> rows;
  for (std::int64_t n = 0; n < N; ++n) {
    if (is_spread(next_ + n, wanted_, all_)) rows.push_back(static_cast<std::int32_t>(n));
  }
  next_ += N;
  for (std::size_t begin = 0; begin < rows.size(); begin += static_cast<std::size_t>(tile_rows_)) {
    const auto tile =
        std::span(rows).subspan(begin, std::min(rows.size() - begin, static_cast<std::size_t>(tile_rows_)));
    const auto count = static_cast<std::int64_t>(tile.size());
    compute(tile, x);
    if (options_.moments || options_.cross_moments) sum_products(count);
    if (options_.cross_moments) sum_cross_moments(count);
    for (std::int64_t row = 0; row < count && routing != nullptr; ++row) {
      if (is_spread(taken_ + row, std::min(options_.samples, wanted_), wanted_))
        keep_sample(row, count, tile[static_cast<std::size_t>(row)], *routing);
    }
    taken_ += count;
    moments_.inputs += static_cast<double>(count);
  }
}

/// outputs_ [E, rows, D], experts `rows` * D apart.
void EveryExpertObserver::compute(std::span<const std::int32_t> rows, const float* x) {
  const auto count = static_cast<std::int64_t>(rows.size());
  std::vector<float> sums(static_cast<std::size_t>(width_));
  for (std::int64_t e = 0; e < experts_; ++e) {
    float* out = outputs_.data() + e * count * width_;
    every_.run(e, rows, x, out);
    simd::kernels().column_sums(out, count, width_, width_, sums.data());
    double total = 0;
    for (std::int64_t d = 0; d < width_; ++d) {
      const auto sum = static_cast<double>(sums[static_cast<std::size_t>(d)]);
      moments_.output_sum[static_cast<std::size_t>(e * width_ + d)] += sum;
      total += sum;
    }
    if (std::isfinite(total)) continue;
    throw UserError(fmt::format("layer {}: expert {} gives outputs that are not finite", layer_, e),
                    "a weight is NaN or infinite: the file is damaged or training diverged");
  }
}

void EveryExpertObserver::sum_products(std::int64_t rows) {
  const std::int64_t step = std::max<std::int64_t>(1, kProductFloats / width_), stride = rows * width_;
  std::vector<float> products(static_cast<std::size_t>(experts_ * experts_));
  for (std::int64_t first = 0; first < rows; first += step) {
    const float* y = outputs_.data() + first * width_;
    const std::int64_t k = std::min(step, rows - first) * width_;
    kernels::gemm(experts_, experts_, k, {y, stride}, {y, stride, true}, 0, products.data(), experts_);
    for (std::size_t i = 0; i < products.size(); ++i)
      moments_.output_product_sum[i] += static_cast<double>(products[i]);
  }
}

void EveryExpertObserver::sum_cross_moments(std::int64_t rows) {
  const auto R = static_cast<std::int64_t>(moments_.projected), all = experts_ * R;
  float* z = projected_.data();
  for (std::int64_t e = 0; e < experts_; ++e) {
    const float* y = outputs_.data() + e * rows * width_;
    if (!projection_.empty()) {
      kernels::gemm(rows, R, width_, {y, width_}, {projection_.data(), R}, 0, z + e * R, all);
      continue;
    }
    for (std::int64_t t = 0; t < rows; ++t)
      std::memcpy(z + t * all + e * R, y + t * width_, static_cast<std::size_t>(R) * sizeof(float));
  }
  std::vector<float> sums(static_cast<std::size_t>(all));
  simd::kernels().column_sums(z, rows, all, all, sums.data());
  for (std::size_t i = 0; i < sums.size(); ++i) moments_.projected_sum[i] += static_cast<double>(sums[i]);
  // Row blocks of z^T z: expert i against i and all that follow.
  std::vector<float> block(static_cast<std::size_t>(R * all));
  for (std::int64_t i = 0; i < experts_; ++i) {
    const std::int64_t columns = (experts_ - i) * R;
    kernels::gemm(R, columns, rows, {z + i * R, all, true}, {z + i * R, all}, 0, block.data(), columns);
    for (std::int64_t j = i; j < experts_; ++j) {
      double* to =
          moments_.cross_moment.data() + pair_index(static_cast<std::size_t>(i), static_cast<std::size_t>(j),
                                                    static_cast<std::size_t>(experts_)) *
                                             static_cast<std::size_t>(R * R);
      for (std::int64_t r = 0; r < R; ++r)
        for (std::int64_t c = 0; c < R; ++c)
          to[r * R + c] +=
              static_cast<double>(block[static_cast<std::size_t>(r * columns + (j - i) * R + c)]);
    }
  }
}

void EveryExpertObserver::keep_sample(std::int64_t row, std::int64_t rows, std::int64_t token,
                                      const infer::RoutingView& routing) {
  const auto E = static_cast<std::size_t>(experts_);
  const float* y = outputs_.data() + row * width_;
  const std::int64_t stride = rows * width_;
  std::vector<float> products(E * E), gates(E, 0.0F);
  kernels::gemm(experts_, experts_, width_, {y, stride}, {y, stride, true}, 0, products.data(), experts_);
  const float* logits = routing.logits + token * experts_;
  for (std::int64_t k = 0; k < routing.slots; ++k) {
    const std::int64_t at = token * routing.slots + k;
    gates[static_cast<std::size_t>(routing.chosen[at])] = routing.gates[at];
  }
  samples_.weight.push_back(1.0);
  samples_.logits.insert(samples_.logits.end(), logits, logits + E);
  samples_.gates.insert(samples_.gates.end(), gates.begin(), gates.end());
  for (std::size_t i = 0; i < E; ++i)
    samples_.products.insert(samples_.products.end(),
                             products.begin() + static_cast<std::ptrdiff_t>(i * E + i),
                             products.begin() + static_cast<std::ptrdiff_t>((i + 1) * E));
}

}  // namespace espalier
