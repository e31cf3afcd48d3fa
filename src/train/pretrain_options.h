#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "arch/bert_config.h"
#include "train/pretrain.h"

namespace espalier {

/// Every option that decides the run's numbers, for the manifest. `config` is the config as read,
/// `corpus_key` the hash of the tokenized text.
nlohmann::json resolved_options(const PretrainOptions& options, const BertMoeConfig& config,
                                const std::string& corpus_key);

/// A resumed run must be the run that was started: the same numbers come only from the same options. A run
/// whose loss diverged may go on with smaller steps. `now` are the resolved options; throws UserError naming
/// the first that differs from the manifest in `options.out`.
void check_same_options(const PretrainOptions& options, nlohmann::json now);

}  // namespace espalier
