#include "training/training_choice.h"

#include <fmt/format.h>

#include "base/error.h"

namespace espalier::training {
namespace {

void describe_start(options::OptionTable& table, TrainingChoice& choice) {
  TrainingOptions& o = choice.training;
  table.add("out", o.out, "DIR", "run folder").require();
  table
      .add("upcycle", choice.upcycle.experts, "E",
           "start from a dense checkpoint, each FFN of --moe-layers copied into this many experts")
      .between(2, 4096);
  table.add("moe-layers", choice.upcycle.moe_layers, "L,..", "blocks to upcycle, counted from 0, e.g. 1,3")
      .divided_by(',')
      .at_least(0);
  const UpcycleRequest usual;
  table
      .add("upcycle-router", choice.upcycle.router_logits, "X",
           "standard deviation of the fresh router's logits: how sure it is of itself")
      .between(0, 100)
      .shows(fmt::to_string(usual.router_logits));
  table
      .add("upcycle-redraw", choice.upcycle.redraw, "SHARE",
           "of each copy's inner neurons, drawn anew from their statistics, so that copies differ")
      .between(0, 1)
      .shows("0");
  table
      .add("upcycle-noise", choice.upcycle.noise, "X",
           "noise on each copy's weights, times their standard deviation")
      .between(0, 100)
      .shows("0");
  table.choice("model-dtype", o.model_dtype, "DTYPE", {{"F32", Dtype::kF32}, {"BF16", Dtype::kBF16}},
               "of the final model");
  table.choice("backend", o.backend, "NAME", {{"onednn", Backend::kOneDnn}, {"torch", Backend::kTorch}},
               "who computes");
  table.flag("resume", o.start, RunStart::kResume, "go on with the run in OUT");
  table.flag("overwrite", o.if_exists, IfExists::kOverwrite, "OUT may hold an older run");
}

void describe_optimizer(options::OptionTable& table, TrainingOptions& o) {
  table.add("learning-rate", o.learning_rate, "RATE", "peak; linear warm-up and decay").above(0);
  table.add("warmup", o.warmup_share, "SHARE", "share of the steps that warm up").between(0, 1);
  table.add("weight-decay", o.adamw.weight_decay, "X", "decoupled; not for biases and norms").at_least(0);
  table.add("beta1", o.adamw.beta1, "X", "of AdamW: how much of the mean gradient stays").between(0, 1);
  table.add("beta2", o.adamw.beta2, "X", "of AdamW: how much of the mean square stays").between(0, 1);
  table.add("epsilon", o.adamw.epsilon, "X", "of AdamW: added to the root of the mean square").above(0);
  table.add("clip-norm", o.adamw.clip_norm, "X", "gradients' global 2-norm; 0: no clipping").at_least(0);
  table.add("momentum", o.adamw.momentum, "X", "stochastic gradient descent with this momentum, not AdamW")
      .between(0, 1);
  table.choice("decay", o.decay, "NAME", {{"linear", Decay::kLinear}, {"cosine", Decay::kCosine}},
               "of the learning rate: linear or cosine");
  table.add("final-learning-rate", o.final_learning_rate, "RATE", "what it falls to").at_least(0);
}

}  // namespace

std::optional<UpcycleRequest> UpcycleChoice::request() const {
  if (!experts && moe_layers.empty()) {
    if (router_logits || redraw || noise)
      throw UserError("--upcycle-router, --upcycle-redraw and --upcycle-noise are of --upcycle",
                      "say how many experts, and where: --upcycle 8 --moe-layers 1,3");
    return std::nullopt;
  }
  if (!experts) throw UserError("--moe-layers without --upcycle", "say how many experts: --upcycle 8");
  if (moe_layers.empty())
    throw UserError("--upcycle without --moe-layers", "say which blocks become MoE layers: --moe-layers 1,3");
  UpcycleRequest request{*experts, moe_layers};
  request.router_logits = router_logits.value_or(request.router_logits);
  request.redraw = redraw.value_or(request.redraw);
  request.noise = noise.value_or(request.noise);
  return request;
}

TrainingOptions TrainingChoice::resolved(const pipeline::RunContext& context) const {
  TrainingOptions options = training;
  options.steps = steps.value_or(options.steps);
  options.log_every = log_every.value_or(options.log_every);
  options.balance_weight = balance_weight.value_or(options.balance_weight);
  options.seed = context.seed;
  options.command = context.command;
  options.progress = context.progress;
  options.note = context.note;
  return options;
}

void describe_training(options::OptionTable& table, TrainingChoice& choice) {
  TrainingOptions& o = choice.training;
  describe_start(table, choice);
  table.add("steps", choice.steps, "N", "optimizer steps")
      .above(0)
      .shows(o.steps > 0 ? fmt::to_string(o.steps) : "");
  describe_optimizer(table, o);
  table.add("balance-loss", choice.balance_weight, "WEIGHT", "weight of the experts' balance loss")
      .at_least(0)
      .shows(fmt::to_string(o.balance_weight));
  table
      .add("dropout", o.dropout, "SHARE",
           "while training, instead of the config's, which the saved model keeps")
      .between(0, 0.9);
  table.add("log-every", choice.log_every, "N", "steps from one line of metrics.jsonl to the next")
      .at_least(1)
      .shows(fmt::to_string(o.log_every));
  table.add("validate-every", o.validate_every, "N", "steps from one validation to the next").at_least(1);
  table.add("save-every", o.save_every, "N", "steps between training states").at_least(1);
}

}  // namespace espalier::training
