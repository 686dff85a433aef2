"""Verdicts about a machine: checks look, judge and propose; they change nothing and print nothing."""
