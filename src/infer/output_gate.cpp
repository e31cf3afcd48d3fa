#include "infer/output_gate.h"

#include <algorithm>

#include "base/parallel.h"
#include "infer/activations.h"

namespace espalier::infer {
namespace {

constexpr std::int64_t kGrain = 64;  // tokens of a thread

bool is_per_head(arch::OutputGate gate) {
  return gate == arch::OutputGate::kPerHead || gate == arch::OutputGate::kPerHeadSoftplus;
}

}  // namespace

std::int64_t ReadyOutputGate::floats_per_token() const {
  if (spec_.output_gate == arch::OutputGate::kNone) return 0;
  return spec_.heads * (spec_.key_width + 2 * spec_.value_width);
}

void ReadyOutputGate::split_queries(std::int64_t N, const float* h, const ReadyLinear& query, float* q,
                                    std::int64_t stride, Buffer<float>& gates) const {
  const auto H = spec_.heads, dk = spec_.key_width, dv = spec_.value_width, both = dk + dv;
  Buffer<float> projected(N * H * both);
  query.run(N, h, query.in(), LinearStore::kOverwrite, projected.data(), H * both);
  float* gate = gates.room(N * H * dv);
  parallel_for(N, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin * H; i < end * H; ++i) {
      const float* from = projected.data() + i * both;
      std::copy_n(from, dk, q + i / H * stride + i % H * dk);
      std::copy_n(from + dk, dv, gate + i * dv);
    }
  });
}

void ReadyOutputGate::apply(std::int64_t N, const float* h, std::int64_t D, Buffer<float>& gates,
                            float* attended) const {
  const auto dv = spec_.value_width, width = spec_.heads * dv;
  const auto scale = static_cast<float>(spec_.value_scale);
  if (spec_.output_gate == arch::OutputGate::kNone && scale == 1.0F) return;
  if (projection_.defined())
    projection_.run(N, h, D, LinearStore::kOverwrite, gates.room(N * projection_.out()), projection_.out());
  const bool gated = spec_.output_gate != arch::OutputGate::kNone;
  const auto act = spec_.output_gate == arch::OutputGate::kPerHeadSoftplus ? softplus : sigmoid;
  const auto share = is_per_head(spec_.output_gate) ? dv : 1;  // elements that have one gate
  parallel_for(N, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin * width; i < end * width; ++i)
      attended[i] *= gated ? scale * act(gates[i / share]) : scale;
  });
}

}  // namespace espalier::infer
