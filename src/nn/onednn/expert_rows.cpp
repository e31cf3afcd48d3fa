#include "nn/onednn/expert_rows.h"

#include "nn/simd/kernels.h"

namespace espalier::onednn {

ExpertRows rows_by_expert(const torch::Tensor& chosen, std::int64_t experts) {
  ExpertRows rows{torch::empty({experts + 1}, torch::kInt32), torch::empty({chosen.numel()}, torch::kInt32),
                  torch::empty_like(chosen)};
  simd::kernels().sort_by_expert({.chosen = chosen.data_ptr<std::int32_t>(),
                                  .offsets = rows.offsets.data_ptr<std::int32_t>(),
                                  .row_token = rows.row_token.data_ptr<std::int32_t>(),
                                  .row_of = rows.row_of.data_ptr<std::int32_t>(),
                                  .n = chosen.size(0),
                                  .k = chosen.size(1),
                                  .experts = experts});
  rows.row_token = rows.row_token.narrow(0, 0, rows.offsets.data_ptr<std::int32_t>()[experts]);
  return rows;
}

}  // namespace espalier::onednn
