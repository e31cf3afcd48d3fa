#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "artifacts/observations.h"
#include "infer/decoder_stream.h"

namespace espalier {

/// The most frequent ids of a calibration set: those whose way through the experts is recorded. Rare ones say
/// little about an expert, and would make the file grow with the text.
class FrequentTokens {
 public:
  FrequentTokens(std::span<const std::int32_t> ids, std::size_t most);

  std::size_t count() const { return ids_.size(); }
  std::int32_t id(std::size_t slot) const { return ids_[slot]; }
  double times(std::size_t slot) const { return times_[slot]; }
  /// The place of a token's id among them; -1 for the others.
  std::int32_t slot_of(std::int32_t id) const;

 private:
  std::vector<std::int32_t> ids_;  // ascending
  std::vector<double> times_;
  std::unordered_map<std::int32_t, std::int32_t> slots_;
};

/// Counts where the frequent ids go in one layer, and keeps a place where each went with the largest gate.
class TokenObserver {
 public:
  TokenObserver(int layer, std::int64_t experts, const FrequentTokens& frequent,
                const infer::PackedTokens& tokens);

  /// The next tokens, in the order of the packed sequences.
  void routed(const infer::RoutingView& routing);
  /// Appends the counts, and for each expert up to `examples` tokens that it handles most beyond its share.
  void report(std::size_t examples, Observations& observations) const;

 private:
  struct Cell {
    std::int32_t count = 0;
    std::int32_t place = -1;  ///< index of a packed token
    float gate = 0;
  };
  std::vector<std::size_t> by_lift(std::size_t expert, std::size_t most) const;
  TokenExample example(std::size_t slot, std::size_t expert) const;

  int layer_;
  std::size_t experts_;
  const FrequentTokens& frequent_;
  const infer::PackedTokens& tokens_;
  std::vector<Cell> cells_;  // [slots, E]
  std::size_t next_ = 0;     // token
};

}  // namespace espalier
