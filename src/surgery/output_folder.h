#pragma once

#include <filesystem>
#include <string>

#include "base/staged_folder.h"
#include "checkpoint/checkpoint.h"

namespace espalier {

/// Throws UserError for an output folder that is, holds or lies in `input`.
void expect_apart(const std::filesystem::path& out, const std::filesystem::path& input);

/// The folder of a model made of `model`: it is what `recipe` says, of what the model is now.
StagedFolder stage_model(const std::filesystem::path& out, IfExists if_exists, const Checkpoint& model,
                         const std::string& recipe, const NoteSink& note);

/// Takes OUT's place, where no weights of an older model stay.
void commit_model(StagedFolder& folder);

}  // namespace espalier
