// An outside program: writes a small checkpoint file with the installed library, reads it back and lists it.
#include <espalier/base/error.h>
#include <espalier/base/rng.h>
#include <espalier/checkpoint/checkpoint.h>

#include <cstring>
#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 2) throw espalier::UserError("no file was named", "outside FILE.safetensors");

  espalier::Rng random(1);
  espalier::TensorSource router{.name = "router.weight", .shape = {2, 3}};
  router.fill = [&](std::span<std::byte> bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(float)) {
      const auto value = static_cast<float>(random.normal());
      std::memcpy(&bytes[at], &value, sizeof(float));
    }
  };
  espalier::write_safetensors(argv[1], {router});

  const auto file = espalier::SafetensorsFile::open(argv[1]);
  for (const std::string_view name : file.names()) {
    std::cout << name << ": " << file.tensor(name).elements() << " numbers\n";
  }
  file.tensor("router.weigth");  // no such tensor: the library says so, and what to do
  return 1;
} catch (const espalier::UserError& error) {
  std::cout << "error: " << error.what() << "\nhint: " << error.hint() << '\n';
  return 2;
}
