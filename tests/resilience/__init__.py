"""What is lost under faults, bad input, load and time: nothing. Measured over real servers.

In the folder ``tests``: ``python -m resilience soak|fuzz``; ``QUICK=1`` in the environment for a short run.
"""
