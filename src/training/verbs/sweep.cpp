#include "training/verbs/sweep.h"

#include "pipeline/make_verb.h"

namespace espalier::training {

pipeline::SweepSummary sweep(const pipeline::SweepOptions& options, const pipeline::RunContext& context) {
  return pipeline::sweep_grid(options, context, prepare_settings);
}

pipeline::Verb sweep_verb() {
  return pipeline::make_verb(pipeline::sweep_verb(), sweep);
}

}  // namespace espalier::training
