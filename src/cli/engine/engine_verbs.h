#pragma once

#include <span>

#include "cli/verb.h"

namespace espalier {

/// The verbs that run models or read text.
std::span<const Verb> engine_verbs();

// A source file each.
void add_align(CLI::App& app, const GlobalOptions& global);
void add_bench(CLI::App& app, const GlobalOptions& global);
void add_compare(CLI::App& app, const GlobalOptions& global);
void add_doctor(CLI::App& app, const GlobalOptions& global);
void add_eval(CLI::App& app, const GlobalOptions& global);
void add_export(CLI::App& app, const GlobalOptions& global);
void add_generate(CLI::App& app, const GlobalOptions& global);
void add_logits(CLI::App& app, const GlobalOptions& global);
void add_observe(CLI::App& app, const GlobalOptions& global);
void add_predict(CLI::App& app, const GlobalOptions& global);
void add_sweep(CLI::App& app, const GlobalOptions& global);
void add_tokenize(CLI::App& app, const GlobalOptions& global);
void add_tokenizer(CLI::App& app, const GlobalOptions& global);

}  // namespace espalier
