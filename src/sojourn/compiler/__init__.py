"""From a graph to the statements that move people. Pure: no I/O, no clock, no randomness."""
