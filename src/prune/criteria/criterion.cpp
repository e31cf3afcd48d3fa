#include "prune/criteria/criterion.h"

#include "base/nearest.h"
#include "prune/criteria/activation.h"
#include "prune/criteria/routing.h"
#include "prune/criteria/weights.h"

namespace espalier {
namespace {

constexpr Criterion kCriteria[] = {
    {.name = "frequency", .definition = "tokens routed to the expert", .observed = frequency},
    {.name = "hit_rate", .definition = "its share of the (token, slot) pairs", .observed = hit_rate},
    {.name = "mean_gate", .definition = "sum of its gates, divided by all tokens", .observed = mean_gate},
    {.name = "alpha", .definition = "mean over all tokens of the router's softmax", .observed = alpha},
    {.name = "importance",
     .definition = "share of tokens it is best for, times exp(mean gate over them)",
     .observed = importance},
    {.name = "ean_sum", .definition = "sum of the norms of its outputs", .observed = ean_sum},
    {.name = "ean_mean", .definition = "mean norm of its outputs", .observed = ean_mean},
    {.name = "reap", .definition = "mean of gate times the norm of its output", .observed = reap},
    {.name = "router_norm", .definition = "norm of its row in the router", .weights = router_norm},
    {.name = "router_norm_change",
     .definition = "change of that norm since --reference",
     .weights = router_norm_change},
    {.name = "neuron_change",
     .definition = "mean change of its neurons' norms since --reference",
     .weights = neuron_change},
    {.name = "magnitude", .definition = "norm of all its weights", .weights = magnitude},
    {.name = "random", .definition = "a permutation drawn from --seed", .drawn = random_order},
};

}  // namespace

std::span<const Criterion> criteria() {
  return kCriteria;
}

const Criterion& find_criterion(std::string_view name) {
  return find_named(criteria(), "criterion", name);
}

}  // namespace espalier
