#include "cli/engine/image_set_options.h"

namespace espalier {

void add_image_set_options(CLI::App& app, std::string& images, std::vector<std::string>& classes) {
  app.add_option("--images", images,
                 "labelled images: a folder of class folders (with train/ and test/, or not) of JPEG and PNG "
                 "files, of "
                 "idx files (MNIST, Fashion-MNIST), or of CIFAR-10's binary files")
      ->type_name("DIR");
  app.add_option("--classes", classes, "only the images of these classes, numbered in this order")
      ->delimiter(',')
      ->type_name("NAME,..");
}

}  // namespace espalier
