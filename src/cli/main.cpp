#include "cli/program.h"
#include "cli/training.h"

int main(int argc, char** argv) {
  espalier::hand_over_to_training(argc, argv);
  return espalier::run_program(argc, argv);
}
