#include "cli/program.h"

int main(int argc, char** argv) {
  return espalier::run_program(argc, argv);
}
