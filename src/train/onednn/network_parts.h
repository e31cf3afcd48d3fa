#pragma once

#include <omp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "train/onednn/ffn_kernel.h"
#include "train/onednn/row_parts.h"

/// How the rows of E networks of one shape are spread over threads (train/onednn/row_parts.h), whatever a
/// network computes.
namespace espalier::onednn {

/// Weights or gradients (`FfnArrays`, `GatedArrays`) from network e on.
template <typename Arrays>
Arrays network(Arrays arrays, const FfnShape& s, std::int64_t e) {
  for (auto& array : arrays.arrays(s)) *array.at += e * array.count;
  return arrays;
}

/// Calls `work(part, hidden)` for every part of the rows, on its thread; `make_hidden(parts)` gives each
/// thread its memory.
template <typename MakeHidden, typename Work>
void forward_networks(const FfnShape& s, MakeHidden make_hidden, Work work) {
#pragma omp parallel num_threads(threads_for_rows(s.offsets.back(), s.width* s.hidden))
  {
    const auto parts = row_parts(s.offsets, omp_get_thread_num(), omp_get_num_threads());
    auto hidden = make_hidden(parts);
    for (const auto& part : parts) work(part, hidden);
  }
}

/// A network's gradient from the rows of a thread that does not have the network's first row: added to the
/// others' at the end.
template <typename Gradients>
struct Spill {
  std::int64_t network = 0;
  std::unique_ptr<float[]> memory;

  Gradients view(const FfnShape& s) const {
    Gradients gradients{};
    float* next = memory.get();
    for (auto& array : gradients.arrays(s)) {
      *array.at = next;
      next += array.count;
    }
    return gradients;
  }
  Gradients open(const FfnShape& s, std::int64_t e) {
    network = e;
    if (!memory) {
      std::int64_t floats = 0;
      Gradients none{};
      for (const auto& array : none.arrays(s)) floats += array.count;
      memory.reset(new float[static_cast<std::size_t>(floats)]);
    }
    return view(s);
  }
};

/// As `forward_networks`, `work(part, hidden, to)` with the gradients that the part's go to: set by the first
/// part of a thread's share of a network (`begins_share`), added to by the others. Those of networks without
/// rows become 0.
template <typename Gradients, typename MakeHidden, typename Work>
void backward_networks(const FfnShape& s, const Gradients& g, MakeHidden make_hidden, Work work) {
  const auto first_row = [&](std::int64_t e) { return s.offsets[static_cast<std::size_t>(e)]; };
  for (std::int64_t e = 0; e < s.networks(); ++e) {
    if (first_row(e) != first_row(e + 1)) continue;
    auto unused = network(g, s, e);
    for (const auto& array : unused.arrays(s)) std::fill_n(*array.at, array.count, 0.0F);
  }
  const int most_threads = threads_for_rows(s.offsets.back(), s.width * s.hidden);
  std::vector<Spill<Gradients>> spills(static_cast<std::size_t>(most_threads));
#pragma omp parallel num_threads(most_threads)
  {
    const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
    const auto parts = row_parts(s.offsets, thread, threads);
    auto hidden = make_hidden(parts);
    Gradients to{};
    for (const auto& part : parts) {
      if (part.begins_share) {
        const bool whole = part.first == first_row(part.network);
        to = whole ? network(g, s, part.network)
                   : spills[static_cast<std::size_t>(thread)].open(s, part.network);
      }
      work(part, hidden, to);
    }
#pragma omp barrier
    for (const auto& spill : spills) {
      if (!spill.memory) continue;
      auto from = spill.view(s), into = network(g, s, spill.network);
      const auto shares = from.arrays(s), totals = into.arrays(s);
      for (std::size_t i = 0; i < shares.size(); ++i)
        add_share(*totals[i].at, *shares[i].at, shares[i].count, thread, threads);
    }
  }
}

}  // namespace espalier::onednn
