#include "train/onednn/expert_rows.h"

#include "kernels/simd/kernels.h"

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

torch::Tensor gather(const torch::Tensor& x, const ExpertRows& rows) {
  auto xs = torch::empty({rows.rows(), x.size(1)}, x.options());
  simd::kernels().gather_rows(x.data_ptr<float>(), rows.row_token.data_ptr<std::int32_t>(), rows.rows(),
                              x.size(1), xs.data_ptr<float>());
  return xs;
}

torch::Tensor combine(const torch::Tensor& ys, const ExpertRows& rows, const torch::Tensor& gates) {
  const auto N = rows.row_of.size(0), K = rows.row_of.size(1), D = ys.size(1);
  auto y = torch::empty({N, D}, ys.options());
  simd::kernels().combine({.ys = ys.data_ptr<float>(),
                           .row_of = rows.row_of.data_ptr<std::int32_t>(),
                           .gates = gates.defined() ? gates.data_ptr<float>() : nullptr,
                           .y = y.data_ptr<float>(),
                           .n = N,
                           .k = K,
                           .d = D});
  return y;
}

void show(const ExpertOutputsTap& tap, const torch::Tensor& ys, const ExpertRows& rows,
          const torch::Tensor& gates) {
  if (!tap) return;
  std::vector<float> of_row(static_cast<std::size_t>(rows.rows()));
  const auto* row_of = rows.row_of.data_ptr<std::int32_t>();
  const float* gate = gates.data_ptr<float>();
  for (std::int64_t i = 0; i < rows.row_of.numel(); ++i)
    if (row_of[i] >= 0) of_row[static_cast<std::size_t>(row_of[i])] = gate[i];
  const auto offsets = rows.offset_values();
  for (std::size_t e = 0; e + 1 < offsets.size(); ++e) {
    const std::int64_t first = offsets[e], count = offsets[e + 1] - first;
    if (count > 0)
      tap({static_cast<std::int64_t>(e), count, of_row.data() + first,
           ys.data_ptr<float>() + first * ys.size(1), ys.size(1)});
  }
}

CombineGradients combine_backward(const torch::Tensor& dy, const torch::Tensor& ys, const ExpertRows& rows,
                                  const torch::Tensor& gates) {
  CombineGradients gradients{torch::empty_like(ys), torch::empty_like(gates)};
  simd::kernels().combine_backward({.dy = dy.data_ptr<float>(),
                                    .ys = ys.data_ptr<float>(),
                                    .row_of = rows.row_of.data_ptr<std::int32_t>(),
                                    .gates = gates.data_ptr<float>(),
                                    .dys = gradients.dys.data_ptr<float>(),
                                    .dgates = gradients.dgates.data_ptr<float>(),
                                    .n = gates.size(0),
                                    .k = gates.size(1),
                                    .d = ys.size(1)});
  return gradients;
}

}  // namespace espalier::onednn
