"""How fast django-ws is, side by side with a hand-written ASGI application and with its peers.

The map of the package::

    __main__         the command: python -m benchmarks [run | docs | profile]
    plan             how long and how often: QUICK=1 or in full
    measures         what is measured, and the goal of each
    implementations  who is measured
    apps/            one module for each of them, all doing the same work, and middleware to put around them
    workers/         what runs in a process of its own: an application in-process, one behind uvicorn, the client
    processes        starts the workers, pins them to cores, talks JSON lines with them
    in_process, over_uvicorn, growth    the rounds
    fanout, fanout_uvicorn              the rounds of topics
    made_up, crowd   servers without a network: for one socket, for many that hear the same
    figures          medians, quartiles, ratios
    results          the JSON file
    report, plots    the table, the page, the pictures
    profiling        where the time of one message and of one connection goes
"""
