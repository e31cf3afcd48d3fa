#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/documents.h"
#include "data/images/image_set.h"
#include "options/option_table.h"

namespace espalier::pipeline {

/// Labelled images, as the verbs over vision models share them.
struct ImageChoice {
  std::filesystem::path images;      ///< empty: the verb is about text
  std::vector<std::string> classes;  ///< only these, numbered in this order; empty: all

  bool given() const { return !images.empty(); }
};

/// --images and --classes.
void describe_images(options::OptionTable& table, ImageChoice& choice);
/// One split of them.
ImageSet open_chosen_images(const ImageChoice& choice, const std::string& split);

/// --text-field and --chat-template, of text in JSON Lines.
void describe_documents(options::OptionTable& table, DocumentOptions& documents);

}  // namespace espalier::pipeline
