"""The parts of dump_golden.py: they run the original and write golden cases."""
