#pragma once

#include "arch/block_spec.h"
#include "infer/linear.h"

namespace espalier::infer {

/// What attention's heads give is multiplied with a function of the block's input, and with a number.
class ReadyOutputGate {
 public:
  ReadyOutputGate(const StoredLinear& weights, const arch::GroupedAttention& spec)
      : spec_(spec), projection_(weights) {}

  std::int64_t floats_per_token() const;
  /// Of a query projection that has the gates behind each head's queries: queries [N, H key_width] into rows
  /// of `q`, and the gates' inputs [N, H value_width] into `gates`. h [N, D].
  void split_queries(std::int64_t N, const float* h, const ReadyLinear& query, float* q, std::int64_t stride,
                     Buffer<float>& gates) const;
  /// attended [N, H value_width] times the gates, those that were split off or the projection's own.
  void apply(std::int64_t N, const float* h, std::int64_t D, Buffer<float>& gates, float* attended) const;

 private:
  const arch::GroupedAttention& spec_;
  ReadyLinear projection_;
};

}  // namespace espalier::infer
