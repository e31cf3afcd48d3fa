#include "pipeline/shared_options.h"

namespace espalier::pipeline {

void describe_images(options::OptionTable& table, ImageChoice& choice) {
  table.add("images", choice.images, "DIR",
            "labelled images: a folder of class folders (with train/ and test/, or not) of JPEG and PNG "
            "files, of idx files (MNIST, Fashion-MNIST), or of CIFAR-10's binary files");
  table.add("classes", choice.classes, "NAME,..", "only the images of these classes, numbered in this order")
      .divided_by(',');
}

ImageSet open_chosen_images(const ImageChoice& choice, const std::string& split) {
  ImageSet set = open_images(choice.images, split);
  return choice.classes.empty() ? set : only_classes(set, choice.classes);
}

void describe_documents(options::OptionTable& table, DocumentOptions& documents) {
  table.add("text-field", documents.field, "NAME", "of text in .jsonl: the text, or a list of chat messages");
  table.add("chat-template", documents.chat_template, "NAME",
            "of a chat message: plain, chatml, inst, or a pattern with {role} and {content}");
}

}  // namespace espalier::pipeline
