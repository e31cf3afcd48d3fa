#include "prune/similarity.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/nearest.h"

namespace espalier {
namespace {

using Layer = LayerObservations;

/// a / sqrt(b c); 0 where an expert gives nothing (it is like no other), 1 for itself.
SimilarityMatrix cosines(std::size_t E, const std::vector<double>& products) {
  SimilarityMatrix result(E * E);
  for (std::size_t i = 0; i < E; ++i) {
    for (std::size_t j = 0; j < E; ++j) {
      const double norms = std::sqrt(products[i * E + i] * products[j * E + j]);
      result[i * E + j] = i == j ? 1.0 : norms > 0 ? products[i * E + j] / norms : 0.0;
    }
  }
  return result;
}

/// ||sum over n of (z_i - mean)(z_j - mean)^T||_F^2 from raw moments.
double centred_norm(const ExpertMoments& moments, std::size_t i, std::size_t j, std::size_t E) {
  const std::size_t R = moments.projected;
  const double* cross = moments.cross_moment.data() + pair_index(i, j, E) * R * R;
  const double* a = moments.projected_sum.data() + i * R;
  const double* b = moments.projected_sum.data() + j * R;
  double sum = 0;
  for (std::size_t r = 0; r < R; ++r) {
    for (std::size_t c = 0; c < R; ++c) {
      const double centred = cross[r * R + c] - a[r] * b[c] / moments.inputs;
      sum += centred * centred;
    }
  }
  return sum;
}

/// Linear CKA (Kornblith et al. 2019, arXiv 1905.00414, eq. 3): HSIC_ij / sqrt(HSIC_ii HSIC_jj).
SimilarityMatrix cka_of(const ExpertMoments& moments, std::size_t E) {
  std::vector<double> norms(E * E);
  for (std::size_t i = 0; i < E; ++i) {
    for (std::size_t j = i; j < E; ++j) norms[i * E + j] = norms[j * E + i] = centred_norm(moments, i, j, E);
  }
  return cosines(E, norms);
}

SimilarityMatrix cka(const Layer& layer) {
  return cka_of(*layer.every_expert, layer.experts());
}
SimilarityMatrix output(const Layer& layer) {
  return cosines(layer.experts(), layer.every_expert->output_product_sum);
}
SimilarityMatrix logits(const Layer& layer) {
  return cosines(layer.experts(), layer.logit_product_sum);
}
SimilarityMatrix weights(const Layer& layer) {
  return layer.weight_cosine;
}
SimilarityMatrix probes(const Layer& layer) {
  return cosines(layer.experts(), layer.probes->output_product_sum);
}
SimilarityMatrix probes_cka(const Layer& layer) {
  return cka_of(*layer.probes, layer.experts());
}

/// Minus the distance of the experts' mean outputs.
SimilarityMatrix mean_output(const Layer& layer) {
  const std::size_t E = layer.experts(), D = layer.width();
  const ExpertMoments& moments = *layer.every_expert;
  SimilarityMatrix result(E * E, 0.0);
  for (std::size_t i = 0; i < E; ++i) {
    for (std::size_t j = 0; j < E; ++j) {
      double sum = 0;
      for (std::size_t d = 0; d < D; ++d) {
        const double gap = (moments.output_sum[i * D + d] - moments.output_sum[j * D + d]) / moments.inputs;
        sum += gap * gap;
      }
      result[i * E + j] = -std::sqrt(sum);
    }
  }
  return result;
}

bool has_outputs(const Layer& layer) {
  return layer.every_expert && layer.every_expert->inputs > 0;
}
bool has_cross_moments(const Layer& layer) {
  return has_outputs(layer) && layer.every_expert->projected > 0;
}
bool has_tokens(const Layer& layer) {
  return layer.tokens > 0;
}
bool has_weights(const Layer& layer) {
  return !layer.weight_cosine.empty();
}
bool has_probes(const Layer& layer) {
  return layer.probes && layer.probes->inputs > 0 && layer.probes->projected > 0;
}

constexpr std::string_view kNeedsWeights = "observe MODEL --similarity weights, without --data";
constexpr std::string_view kNeedsProbes = "observe MODEL --similarity probes, without --data";
constexpr std::string_view kNeedsOutputs = "observe MODEL --data .. --similarity output";
constexpr std::string_view kNeedsCka = "observe MODEL --data .. --similarity cka";
constexpr std::string_view kNeedsData = "observe MODEL --data ..";

constexpr std::string_view kAsCka[] = {"cka"};
constexpr std::string_view kAsOutputs[] = {"output", "cka"};
constexpr std::string_view kAsWeights[] = {"weights"};
constexpr std::string_view kAsProbes[] = {"probes"};

constexpr Similarity kSimilarities[] = {
    {"cka", "linear CKA of the outputs on all tokens", kNeedsCka, kAsCka, has_cross_moments, cka},
    {"output", "cosine of the outputs on all tokens", kNeedsOutputs, kAsOutputs, has_outputs, output},
    {"mean_output", "minus the distance of the mean outputs", kNeedsOutputs, kAsOutputs, has_outputs,
     mean_output},
    {"logits", "cosine of the router's logits over the tokens", kNeedsData, {}, has_tokens, logits},
    {"weights", "cosine of the weights, neurons aligned", kNeedsWeights, kAsWeights, has_weights, weights},
    {"probes", "cosine of the outputs on Gaussian vectors", kNeedsProbes, kAsProbes, has_probes, probes},
    {"probes_cka", "linear CKA of the outputs on Gaussian vectors", kNeedsProbes, kAsProbes, has_probes,
     probes_cka},
};

}  // namespace

std::span<const Similarity> similarities() {
  return kSimilarities;
}

const Similarity& find_similarity(std::string_view name) {
  return find_named(similarities(), "--group-by", name);
}

SimilarityMatrix similarity_of(const Similarity& similarity, const LayerObservations& layer) {
  if (!similarity.available(layer))
    throw UserError(fmt::format("layer {}: the observations lack what {} needs ({})", layer.layer,
                                similarity.name, similarity.definition),
                    fmt::format("espalier {}", similarity.needs));
  SimilarityMatrix matrix = similarity.compute(layer);
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    if (std::isfinite(matrix[i])) continue;
    throw UserError(fmt::format("layer {}: {} of experts {} and {} is {}", layer.layer, similarity.name,
                                i / layer.experts(), i % layer.experts(), matrix[i]),
                    "weights or outputs are not finite numbers");
  }
  return matrix;
}

}  // namespace espalier
