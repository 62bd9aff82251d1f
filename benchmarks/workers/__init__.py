"""What runs in a process of its own and is told what to do by lines of JSON on its standard input.

A request is ``{"op": name, ...arguments}``, an answer ``{"result": ...}`` or ``{"error": traceback}``.
"""
